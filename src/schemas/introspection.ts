import { Kind, Type, TypeRegistry, type Static, type TUnsafe } from '@sinclair/typebox'
import { Component, Expected } from './annotations.js'
import { exampleValue } from './tokens.js'

const ScopeListKind = 'VexaAdmin:ScopeList'

// A symbol, because JSON Schema documents omit symbols.
const Names = Symbol('names')

TypeRegistry.Set<{ [Names]: readonly string[] }>(ScopeListKind, (schema, value) =>
  typeof value === 'string' && value.split(' ').every((name) => schema[Names].includes(name)))

/** Returns the schema of a text that has names of scopes, separated by single spaces (RFC 6749, section 3.3). */
function ScopeList (names: readonly string[]): TUnsafe<string> {
  return Type.Unsafe<string>({
    [Kind]: ScopeListKind,
    [Names]: names,
    [Expected]: names.length === 0
      ? 'This app has no scopes (option `scopes` of fastify-vexa-admin): leave this member out'
      : `Expected scopes of this app, separated by single spaces: ${names.join(' ')}`,
    type: 'string',
    description: 'Scopes that the token must have, separated by spaces. If the token lacks one of them, ' +
      '`active` is false.'
  })
}

const tokenMembers = {
  token: Type.String({ description: 'The value of the token.' }),
  token_type_hint: Type.Optional(Type.Unknown({ description: 'Ignored.' }))
}

/** Returns the schema of the body of `POST /introspect` (RFC 7662). Unknown members are ignored. */
export function createIntrospectToken (scopes: readonly string[]) {
  return Type.Object({ ...tokenMembers, scope: Type.Optional(ScopeList(scopes)) }, {
    [Component]: 'IntrospectToken', examples: [{ token: exampleValue }]
  })
}

/** Schema of the body of `POST /revoke` (RFC 7009). Unknown members are ignored. */
export const RevokeTokenByValue = Type.Object(tokenMembers, {
  [Component]: 'RevokeTokenByValue', examples: [{ token: exampleValue }]
})

const seconds = 'in seconds since 1970-01-01 in UTC.'

/** Schema of the reply to `POST /introspect`: facts about an active token, or only `active: false`. */
export const Introspection = Type.Union([
  Type.Object({
    active: Type.Literal(true),
    scope: Type.Optional(Type.String({
      description: 'The scopes of the token, separated by spaces. If absent, the token may do everything.'
    })),
    username: Type.String({ description: 'The e-mail address of the user.' }),
    sub: Type.String({ description: 'The id of the user.' }),
    token_type: Type.Literal('Bearer'),
    exp: Type.Optional(Type.Integer({ description: `Present if the token expires: the time of expiry, ${seconds}` })),
    iat: Type.Integer({ description: `The time of creation, ${seconds}` }),
    jti: Type.String({ description: 'The id of the token.' })
  }),
  Type.Object({ active: Type.Literal(false) })
], {
  [Component]: 'Introspection',
  description: 'Whether the token is active, and facts about an active token',
  examples: [
    {
      active: true,
      scope: 'bot',
      username: 'user@example.com',
      sub: 'user-123',
      token_type: 'Bearer',
      exp: 1711972800,
      iat: 1704110400,
      jti: 'token-123'
    },
    { active: false }
  ]
})
export type Introspection = Static<typeof Introspection>
