import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { allPermissions } from './permissions.js'
import { OneOf } from './primitives.js'

/** The settings of the API, and the admin key of the request, in the reply to `GET /settings`. */
export const Settings = Type.Object({
  version: Type.String({ examples: ['0.1.0'], description: 'The version of fastify-vexa-admin.' }),
  scopes: Type.Array(Type.String(), { description: 'The scopes that a token may have. Empty if the app has none.' }),
  token_prefixes: Type.Array(Type.String(), {
    description: 'The prefixes of the tokens that the app accepts. New tokens get the first prefix.'
  }),
  default_max_concurrent_bots: Type.Integer({
    description: 'The `max_concurrent_bots` of a user who is created without `max_concurrent_bots`.'
  }),
  max_token_lifetime: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Largest `expires_in` in seconds, or null if there is no limit.'
  }),
  audit: Type.Boolean({ description: 'Whether the app keeps an audit trail, and has `GET /audit`.' }),
  key: Type.Object({
    name: Type.Union([Type.String(), Type.Null()], { description: 'null if the key has no name.' }),
    permissions: Type.Array(OneOf(allPermissions))
  }, { description: 'The admin key of the request, or the admin whom the option `authorize` accepts.' })
}, {
  [Component]: 'Settings',
  description: 'The settings, and the admin key of the request',
  examples: [{
    version: '0.1.0',
    scopes: ['bot', 'read'],
    token_prefixes: ['vex_'],
    default_max_concurrent_bots: 3,
    max_token_lifetime: null,
    audit: false,
    key: { name: 'ops', permissions: ['read', 'users', 'tokens'] }
  }]
})
export type Settings = Static<typeof Settings>
