import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { JsonObject } from './json-object.js'
import { Timestamp, timestamp } from './primitives.js'

/** The value of a token in the examples of OpenAPI documents. */
export const exampleValue = 'vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'
const exampleToken = {
  id: 'token-123',
  token: '***',
  user_id: 'user-123',
  created_at: '2024-01-01T12:00:00.000Z',
  name: 'CI',
  expires_at: '2024-04-01T12:00:00.000Z'
}

/** A token, as in the HTTP API. Only the reply to the request that creates the token holds its value. */
export const Token = Type.Object({
  id: Type.String({ examples: ['token-123'] }),
  token: Type.String({
    examples: ['***'],
    description: 'The value, in the reply to the request that creates the token. In every other reply, `***`.'
  }),
  user_id: Type.String({ examples: ['user-123'] }),
  created_at: Timestamp,
  name: Type.Optional(Type.String({ description: 'Present if the token has a name.' })),
  scopes: Type.Optional(Type.Array(Type.String(), {
    description: 'The scopes of the token. If absent, the token may do everything.'
  })),
  expires_at: Type.Optional(timestamp({ description: 'Present if the token expires.' })),
  last_used_at: Type.Optional(timestamp({
    description: 'Present after the first use. Accurate to the minute, and written a few seconds after the use.'
  })),
  disabled: Type.Optional(Type.Boolean({
    description: 'Present, and true, only while the token is disabled. A disabled token is rejected.'
  })),
  data: Type.Optional(JsonObject({ description: 'Present if the token has data.' })),
  start: Type.Optional(Type.String({
    description: 'The first characters of the value: its prefix and 4 more. Present if the app stored them.'
  }))
}, { [Component]: 'Token', description: 'The token', examples: [exampleToken] })
export type Token = Static<typeof Token>

/** A token with its value, in the reply to the request that creates the token. */
export const CreatedToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The new token, with its value',
  examples: [{ ...exampleToken, token: exampleValue }]
})

/** The updated token, in the reply to `PATCH /tokens/:id`. */
export const UpdatedToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The updated token',
  examples: [{ ...exampleToken, disabled: true }]
})

/** A token with its value, in the reply to a rotation. */
export const SuccessorToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The new token, with its value',
  examples: [{
    ...exampleToken,
    id: 'token-124',
    token: exampleValue,
    created_at: '2024-03-01T12:00:00.000Z',
    expires_at: '2024-05-30T12:00:00.000Z'
  }]
})

/** Path of the routes of one token. Documentation pages fill in the example, so no token has this id. */
export const TokenParams = Type.Object({ id: Type.String({ examples: ['token-0'] }) })
