import { Type, type Static, type TProperties, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { Component, Expected } from './annotations.js'
import { JsonObject } from './json-object.js'
import { Nullable, OneOf, type Input } from './primitives.js'
import { Text } from './text.js'
import { exampleValue } from './tokens.js'

// 68 years: the largest number of seconds that fits into a signed integer of four bytes.
const longest = 2147483647

/** Returns the schema of a number of seconds. */
const Seconds = (minimum: number, description: string, maximum = longest) => Type.Integer({
  minimum,
  maximum,
  description,
  [Expected]: `Expected a whole number of seconds, from ${minimum} to ${maximum}`
})

/** Returns the schema of an array with one or more of these scopes. */
export const Scopes = (names: readonly string[]): TSchema => Type.Array({
  ...OneOf(names),
  [Expected]: (scope: unknown) => {
    const expected = `Expected one of the scopes of this app: ${names.join(', ')}`
    // The message shows the scope only if it is short. Admin keys and tokens are longer than 15 characters, so the
    // message cannot show a secret.
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
  /**
   * Names from the option `scopes`. Not valid if the option `scopes` is empty. If absent, the token may do everything.
   */
  scopes?: string[] | undefined
  /**
   * Seconds until the token expires, at most the option `maxTokenLifetime`. If absent, the token gets the lifetime
   * `maxTokenLifetime`. If this option is not set either, the token never expires.
   */
  expires_in?: number | undefined
  /** Any JSON object, at most `maxDataSize` bytes as JSON. */
  data?: Record<string, unknown> | undefined
  /** First characters of the value: a prefix of the option `tokenPrefix`. @default the first prefix of `tokenPrefix` */
  prefix?: string | undefined
}

/** Body of `PATCH /tokens/:id`. An absent member stays as it is. */
export interface UpdateToken {
  /** At most 255 characters. */
  name?: string | null | undefined
  /**
   * Names from the option `scopes`, or `null` if the token may do everything. Not valid if the option `scopes` is
   * empty.
   */
  scopes?: string[] | null | undefined
  /** Whether the token is rejected. */
  disabled?: boolean | undefined
  /**
   * Seconds from now until the token expires, at most the option `maxTokenLifetime`. With `null`, the token never
   * expires. `null` is not valid if the option `maxTokenLifetime` is set.
   */
  expires_in?: number | null | undefined
  /** A JSON Merge Patch (RFC 7396). `null` removes all data. */
  data?: Record<string, unknown> | null | undefined
}

/** Body of `POST /tokens/verify`. */
export interface VerifyToken {
  /** The value of a token. */
  token: string
  /** Scopes that the token must have. */
  scopes?: string[] | undefined
  /** Whether a valid token counts as used, so that `last_used_at` changes. @default true */
  touch?: boolean | undefined
}

/** The options of the app that bodies depend on. */
export interface TokenBodyOptions {
  /** Names of the scopes. If the array is empty, a body must not have the member `scopes`. */
  scopes: readonly string[]
  /** Longest `expires_in` in seconds, or Infinity. */
  maxTokenLifetime: number
  /** Prefixes that a new token may have. */
  tokenPrefix: readonly string[]
}

/** Returns the schemas of the bodies that depend on options of the app. */
export function createTokenBodies ({ scopes: names, maxTokenLifetime, tokenPrefix }: TokenBodyOptions): {
  CreateToken: TUnsafe<CreateToken>, UpdateToken: TUnsafe<UpdateToken>, VerifyToken: TUnsafe<VerifyToken>
} {
  const withScopes = (scopes: () => TProperties[string]): TProperties =>
    names.length === 0 ? {} : { scopes: Type.Optional(scopes()) }
  const strict = { additionalProperties: false, ...(names.length === 0 && { [Expected]: explainNoScopes }) }
  const lifetime = Seconds(1, 'Seconds until the token expires, from now.', Math.min(maxTokenLifetime, longest))
  return {
    CreateToken: Type.Unsafe<CreateToken>(Type.Object({
      name: Type.Optional(Nullable(Text(255))),
      expires_in: Type.Optional({
        ...lifetime,
        description: 'Seconds until the token expires. If absent, the token ' +
          (maxTokenLifetime === Infinity ? 'never expires.' : `expires after ${maxTokenLifetime} seconds.`)
      }),
      data: Type.Optional(JsonObject({
        description: 'Any JSON object. The app sets its largest size as JSON, usually 16 KiB.'
      })),
      prefix: Type.Optional(OneOf(tokenPrefix, {
        description: `First characters of the value. If absent, \`${tokenPrefix[0]}\`.`
      })),
      ...withScopes(() => Scopes(names))
    }, {
      ...strict,
      [Component]: 'CreateToken',
      examples: [{ name: 'CI', expires_in: Math.min(7776000, maxTokenLifetime) }]
    })),
    UpdateToken: Type.Unsafe<UpdateToken>(Type.Object({
      name: Type.Optional(Nullable(Text(255))),
      disabled: Type.Optional(Type.Boolean({ description: 'While true, the token is rejected.' })),
      expires_in: Type.Optional(maxTokenLifetime === Infinity ? Nullable(lifetime) : lifetime),
      data: Type.Optional(Nullable(JsonObject({
        description: 'A JSON Merge Patch (RFC 7396). null removes all data.'
      }))),
      ...withScopes(() => Type.Union([Scopes(names), Type.Null()], {
        [Expected]: `Expected an array of different scopes of this app (${names.join(', ')}), or null for all`
      }))
    }, {
      ...strict,
      [Component]: 'UpdateToken',
      // Documentation pages fill in the example, so sending it unchanged must change nothing.
      examples: [{}]
    })),
    VerifyToken: Type.Unsafe<VerifyToken>(Type.Object({
      token: Type.String(),
      touch: Type.Optional(Type.Boolean({
        // The schema has no `default`, because with a `default`, generated clients would require the member.
        description: 'Whether a valid token counts as used, so that `last_used_at` changes. If absent, ' +
          'the token counts as used.'
      })),
      ...withScopes(() => Scopes(names))
    }, { ...strict, [Component]: 'VerifyToken', examples: [{ token: exampleValue }] }))
  }
}

/** Body of `POST /tokens/:id/rotate`. It may be omitted. */
export const RotateToken = Type.Object({
  grace_period: Type.Optional(Seconds(0,
    'Seconds that the old token stays valid, unless it expires sooner. If absent, the old token is revoked at once.'))
}, { [Component]: 'RotateToken', additionalProperties: false, examples: [{ grace_period: 3600 }] })
export type RotateToken = Input<Static<typeof RotateToken>>
