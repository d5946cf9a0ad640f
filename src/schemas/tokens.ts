import { Type, type Static, type TProperties, type TUnsafe } from '@sinclair/typebox'
import { Component, Expected } from './annotations.js'
import { Nullable, OneOf, Timestamp, timestamp, type Input } from './primitives.js'
import { Text } from './text.js'

const exampleValue = 'vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'
const exampleToken = { id: 'token-123', token: '***', user_id: 'user-123', created_at: '2024-01-01T12:00:00.000Z', name: 'CI', expires_at: '2024-04-01T12:00:00.000Z' }

/** A token, as on the wire. Its value is shown once, by the call that made it, and is `***` ever after. */
export const Token = Type.Object({
  id: Type.String({ examples: ['token-123'] }),
  token: Type.String({ examples: ['***'], description: 'Its value in the reply of the call that made it, and `***` ever after.' }),
  user_id: Type.String({ examples: ['user-123'] }),
  created_at: Timestamp,
  name: Type.Optional(Type.String({ description: 'Present where it has one.' })),
  scopes: Type.Optional(Type.Array(Type.String(), { description: 'What it may do. Without, it may do everything.' })),
  expires_at: Type.Optional(timestamp({ description: 'Present where it expires.' })),
  last_used_at: Type.Optional(timestamp({ description: 'Present once it was used; kept to the minute, and written a few seconds later.' }))
}, { [Component]: 'Token', description: 'The token', examples: [exampleToken] })
export type Token = Static<typeof Token>

/** The same, in the reply of the call that made it. */
export const CreatedToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The new token, with its value',
  examples: [{ ...exampleToken, token: exampleValue }]
})

/** The same, of the call that replaces a token. */
export const SuccessorToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The new token, with its value',
  examples: [{ ...exampleToken, id: 'token-124', token: exampleValue, created_at: '2024-03-01T12:00:00.000Z', expires_at: '2024-05-30T12:00:00.000Z' }]
})

/** Seconds; up to 68 years. */
const Seconds = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: 2147483647, description, [Expected]: `Expected a whole number of seconds, from ${minimum} to 2147483647` })

const Scopes = (names: readonly string[]) => Type.Array({
  ...OneOf(names),
  // A name is repeated only if it is as short and plain as no key or token is.
  [Expected]: (scope: unknown) => `Expected one of the scopes of this app: ${names.join(', ')}${typeof scope === 'string' && /^[\w.:-]{1,15}$/.test(scope) ? `; not ${scope}` : ''}`
}, { minItems: 1, uniqueItems: true, [Expected]: 'Expected an array of at least one scope, and none twice' })

const explainNoScopes = (_value: unknown, path: string) =>
  path === '/scopes' ? 'This app names no scopes (option `scopes` of fastify-vexa-admin): leave it out' : undefined

/** Body of `POST /users/:id/tokens`, which may be missing. */
export interface CreateToken {
  /** At most 255 characters. */
  name?: string | null | undefined
  /** What it may do; of the names in the option `scopes`, and only where there are any. Without, it may do everything. */
  scopes?: string[] | undefined
  /** After how many seconds it expires. Without, never. */
  expires_in?: number | undefined
}

/** Body of `POST /tokens/verify`. */
export interface VerifyToken {
  /** The value of a token. */
  token: string
  /** What it must be allowed to do. */
  scopes?: string[] | undefined
}

/** The bodies that name scopes. Where the host has none, there is no such member. */
export function createTokenBodies (names: readonly string[]): { CreateToken: TUnsafe<CreateToken>, VerifyToken: TUnsafe<VerifyToken> } {
  const scopes: TProperties = names.length === 0 ? {} : { scopes: Type.Optional(Scopes(names)) }
  const strict = { additionalProperties: false, ...(names.length === 0 && { [Expected]: explainNoScopes }) }
  return {
    CreateToken: Type.Unsafe<CreateToken>(Type.Object({
      name: Type.Optional(Nullable(Text(255))),
      expires_in: Type.Optional(Seconds(1, 'After how many seconds it expires. Without, never.')),
      ...scopes
    }, { ...strict, [Component]: 'CreateToken', examples: [{ name: 'CI', expires_in: 7776000 }] })),
    VerifyToken: Type.Unsafe<VerifyToken>(Type.Object({ token: Type.String(), ...scopes }, { ...strict, [Component]: 'VerifyToken', examples: [{ token: exampleValue }] }))
  }
}

/** Body of `POST /tokens/:id/rotate`, which may be missing. */
export const RotateToken = Type.Object({
  grace_period: Type.Optional(Seconds(0, 'For how many seconds the old token stays valid, if it does not expire before. Without, it dies at once.'))
}, { [Component]: 'RotateToken', additionalProperties: false, examples: [{ grace_period: 3600 }] })
export type RotateToken = Input<Static<typeof RotateToken>>

/** Path of the routes of one token. Pages fill in the example, so it is the id of no token. */
export const TokenParams = Type.Object({ id: Type.String({ examples: ['token-0'] }) })
