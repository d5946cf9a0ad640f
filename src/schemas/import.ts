import { Type, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { Email } from './email.js'
import { JsonObject } from './json-object.js'
import { Count, Nullable } from './primitives.js'
import { Text } from './text.js'
import { Time } from './time.js'
import { Scopes } from './token-bodies.js'

/** A user in an import or export. An absent member of a new user gets its default. */
export interface ImportUser {
  /**
   * A text of 1 to 255 characters, such as the id of the user in another system. The lines of the user's tokens have
   * this text as `user`.
   */
  ref: string
  /** The id of the user, such as `user-7`. An import uses the id only with `keepIds`. */
  id?: string | undefined
  /** The e-mail address. A line and a stored user with the same address are about one user. */
  email: string
  /** At most 255 characters. */
  name?: string | null | undefined
  /** @default the option `defaultMaxConcurrentBots` */
  max_concurrent_bots?: number | undefined
  /** Any JSON object, at most `maxDataSize` bytes as JSON. */
  data?: Record<string, unknown> | null | undefined
  /** Whether the tokens of the user are rejected. @default false */
  disabled?: boolean | undefined
  /** RFC 3339. A user that is stored already keeps its time of creation. @default now */
  created_at?: string | undefined
}

/**
 * A token in an import or export. Exactly one of `sha256` and `value` is present. A `null` counts as absent, except in
 * `expires_in`.
 */
export interface ImportToken {
  /** The `ref` of the user. An earlier line must have this `ref`. */
  user: string
  /** The id of the token, such as `token-9`. An import uses the id only with `keepIds`. */
  id?: string | undefined
  /** The SHA-256 of the value in UTF-8, as hex, base64 or base64url. */
  sha256?: string | undefined
  /** The value: 1 to 255 printable ASCII characters without spaces. An import stores only the SHA-256 of the value. */
  value?: string | undefined
  /** At most 255 characters. */
  name?: string | null | undefined
  /** Names from the option `scopes`. If absent or `null`, the token may do everything. */
  scopes?: string[] | null | undefined
  /** The first characters of the value: at most 36 characters of ASCII, and at most half of `value`. */
  start?: string | null | undefined
  /** Any JSON object, at most `maxDataSize` bytes as JSON. */
  data?: Record<string, unknown> | null | undefined
  /** Whether the token is rejected. @default false */
  disabled?: boolean | undefined
  /** RFC 3339. @default now */
  created_at?: string | undefined
  /**
   * RFC 3339. If absent or `null`, the token never expires. With a time in the past, the token is created as an expired
   * token.
   */
  expires_at?: string | null | undefined
  /**
   * Lifetime in seconds that a rotation gives the successor, or `null` if the successor never expires.
   * @default the time from `created_at` to `expires_at`
   */
  expires_in?: number | null | undefined
  /** RFC 3339. If absent or `null`, the token was never used. */
  last_used_at?: string | null | undefined
}

/** A line of an import or export. */
export type ImportLine = { user: ImportUser, token?: undefined } | { token: ImportToken, user?: undefined }

const Ref = Type.Intersect([Text(255), Type.String({ minLength: 1 })], {
  [Expected]: 'Expected well-formed text of 1 to 255 characters'
})

export const expectedLine = 'Expected { "user": { … } } or { "token": { … } }'

/** Schema of a line with a user. */
export const UserLine = Type.Object({
  user: Type.Object({
    ref: Ref,
    id: Type.Optional(Type.String()),
    email: Email,
    name: Type.Optional(Nullable(Text(255))),
    max_concurrent_bots: Type.Optional(Count()),
    data: Type.Optional(Nullable(JsonObject())),
    disabled: Type.Optional(Type.Boolean()),
    created_at: Type.Optional(Time())
  }, { additionalProperties: false })
}, { additionalProperties: false })

/**
 * Returns the schema of a line with a token, for an app with these scopes. The caller removes members that are `null`
 * before the check.
 */
export function createTokenLine (scopes: readonly string[]): TUnsafe<{ token: ImportToken }> {
  return Type.Unsafe(Type.Object({
    token: Type.Object({
      user: Ref,
      id: Type.Optional(Type.String()),
      sha256: Type.Optional(Type.String()),
      value: Type.Optional(Type.String()),
      name: Type.Optional(Text(255)),
      scopes: Type.Optional(scopes.length === 0
        ? Type.Never({ [Expected]: 'This app has no scopes (option `scopes` of fastify-vexa-admin)' })
        : Scopes(scopes)),
      start: Type.Optional(Type.String({
        pattern: '^[!-~]{1,36}$',
        [Expected]: 'Expected 1 to 36 printable ASCII characters without spaces'
      })),
      data: Type.Optional(JsonObject()),
      disabled: Type.Optional(Type.Boolean()),
      created_at: Type.Optional(Time()),
      expires_at: Type.Optional(Time()),
      expires_in: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 2147483647 }), Type.Null()], {
        [Expected]: 'Expected a whole number of seconds, from 1 to 2147483647, or null'
      })),
      last_used_at: Type.Optional(Time())
    }, { additionalProperties: false })
  }, { additionalProperties: false }))
}
