import { Type, type Static, type TProperties, type TUnsafe } from '@sinclair/typebox'
import { Component, Expected } from './annotations.js'
import { Nullable, OneOf, Timestamp, timestamp, type Input } from './primitives.js'
import { Text } from './text.js'

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

/** A token, as in the HTTP API. Only the reply that creates the token holds its value. */
export const Token = Type.Object({
  id: Type.String({ examples: ['token-123'] }),
  token: Type.String({
    examples: ['***'],
    description: 'The value of the token in the reply that creates it, and `***` in every other reply.'
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
  }))
}, { [Component]: 'Token', description: 'The token', examples: [exampleToken] })
export type Token = Static<typeof Token>

/** A token with its value, in the reply that creates the token. */
export const CreatedToken = Type.Object(Token.properties, {
  [Component]: 'Token',
  description: 'The new token, with its value',
  examples: [{ ...exampleToken, token: exampleValue }]
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

/** Returns the schema of a number of seconds, by default up to 68 years. */
const Seconds = (minimum: number, description: string, maximum = 2147483647) => Type.Integer({
  minimum,
  maximum,
  description,
  [Expected]: `Expected a whole number of seconds, from ${minimum} to ${maximum}`
})

const Lifetime = (longest: number) => longest === Infinity
  ? Seconds(1, 'Seconds until the token expires. If absent, the token never expires.')
  : Seconds(1, `Seconds until the token expires. If absent, the token expires after ${longest} seconds.`, longest)

const Scopes = (names: readonly string[]) => Type.Array({
  ...OneOf(names),
  [Expected]: (scope: unknown) => {
    const expected = `Expected one of the scopes of this app: ${names.join(', ')}`
    // Keys and tokens are longer than 15 characters, so the message cannot repeat a secret.
    return typeof scope === 'string' && /^[\w.:-]{1,15}$/.test(scope) ? `${expected}; not ${scope}` : expected
  }
}, {
  minItems: 1,
  uniqueItems: true,
  [Expected]: 'Expected an array of at least one scope, without duplicates'
})

const explainNoScopes = (_value: unknown, path: string) => path === '/scopes'
  ? 'This app has no scopes (option `scopes` of fastify-vexa-admin): leave this member out'
  : undefined

/** Body of `POST /users/:id/tokens`. It may be omitted. */
export interface CreateToken {
  /** At most 255 characters. */
  name?: string | null | undefined
  /** Names from the option `scopes`. Not valid if that option is empty. If absent, the token may do everything. */
  scopes?: string[] | undefined
  /**
   * Seconds until the token expires, at most the option `maxTokenLifetime`. If absent, the token gets that lifetime, or
   * never expires if the option is absent.
   */
  expires_in?: number | undefined
}

/** Body of `POST /tokens/verify`. */
export interface VerifyToken {
  /** The value of a token. */
  token: string
  /** Scopes that the token must have. */
  scopes?: string[] | undefined
  /** Whether a valid token counts as used: `last_used_at` changes. @default true */
  touch?: boolean | undefined
}

/**
 * Returns the schemas of the bodies that depend on options of the app. `names` are its scopes. If `names` is empty, the
 * bodies have no member `scopes`. `maxTokenLifetime` is the longest `expires_in`, in seconds.
 */
export function createTokenBodies (
  names: readonly string[], maxTokenLifetime = Infinity
): { CreateToken: TUnsafe<CreateToken>, VerifyToken: TUnsafe<VerifyToken> } {
  const scopes: TProperties = names.length === 0 ? {} : { scopes: Type.Optional(Scopes(names)) }
  const strict = { additionalProperties: false, ...(names.length === 0 && { [Expected]: explainNoScopes }) }
  return {
    CreateToken: Type.Unsafe<CreateToken>(Type.Object({
      name: Type.Optional(Nullable(Text(255))),
      expires_in: Type.Optional(Lifetime(maxTokenLifetime)),
      ...scopes
    }, {
      ...strict,
      [Component]: 'CreateToken',
      examples: [{ name: 'CI', expires_in: Math.min(7776000, maxTokenLifetime) }]
    })),
    VerifyToken: Type.Unsafe<VerifyToken>(Type.Object({
      token: Type.String(),
      touch: Type.Optional(Type.Boolean({
        // Without `default`, because generated clients would then require the member.
        description: 'Whether a valid token counts as used: `last_used_at` changes. If absent, it does.'
      })),
      ...scopes
    }, { ...strict, [Component]: 'VerifyToken', examples: [{ token: exampleValue }] }))
  }
}

/** Body of `POST /tokens/:id/rotate`. It may be omitted. */
export const RotateToken = Type.Object({
  grace_period: Type.Optional(Seconds(0,
    'Seconds that the old token stays valid, unless it expires sooner. If absent, the old token is revoked at once.'))
}, { [Component]: 'RotateToken', additionalProperties: false, examples: [{ grace_period: 3600 }] })
export type RotateToken = Input<Static<typeof RotateToken>>

/** Path of the routes of one token. Documentation pages fill in the example, so it is an id that no token has. */
export const TokenParams = Type.Object({ id: Type.String({ examples: ['token-0'] }) })
