import { Type, type Static, type TProperties, type TUnsafe } from '@sinclair/typebox'
import { Expected, Nullable, Text, Timestamp, type Input } from './atoms.js'

const TokenId = Type.String({ examples: ['token-123'] })

/** A token, as on the wire. Its value is shown once, by the call that made it, and is `***` ever after. */
export const Token = Type.Object({
  id: TokenId,
  token: Type.String({ examples: ['***'] }),
  user_id: Type.String({ examples: ['user-123'] }),
  created_at: Timestamp,
  name: Type.Optional(Type.String({ description: 'Present where it has one.' })),
  scopes: Type.Optional(Type.Array(Type.String(), { description: 'What it may do. Without, it may do everything.' })),
  expires_at: Type.Optional(Timestamp),
  last_used_at: Type.Optional(Timestamp)
})
export type Token = Static<typeof Token>

/** Seconds; up to 68 years. */
const Seconds = (minimum: number, description: string) => Type.Integer({ minimum, maximum: 2147483647, description })

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
export function scopedBodies (names: readonly string[]): { CreateToken: TUnsafe<CreateToken>, VerifyToken: TUnsafe<VerifyToken> } {
  const Scope = Type.Union(names.map((name) => Type.Literal(name)), { [Expected]: `Expected one of ${names.join(', ')}` })
  const scopes: TProperties = names.length === 0 ? {} : { scopes: Type.Optional(Type.Array(Scope, { minItems: 1, uniqueItems: true })) }
  return {
    CreateToken: Type.Unsafe<CreateToken>(Type.Object({
      name: Type.Optional(Nullable(Text(255))),
      expires_in: Type.Optional(Seconds(1, 'After how many seconds it expires. Without, never.')),
      ...scopes
    }, { additionalProperties: false })),
    VerifyToken: Type.Unsafe<VerifyToken>(Type.Object({ token: Type.String(), ...scopes }, { additionalProperties: false }))
  }
}

/** Body of `POST /tokens/:id/rotate`, which may be missing. */
export const RotateToken = Type.Object({
  grace_period: Type.Optional(Seconds(0, 'For how many seconds the old token stays valid, if it does not expire before. Without, it dies at once.'))
}, { additionalProperties: false })
export type RotateToken = Input<Static<typeof RotateToken>>

/** Path of the routes of one token. */
export const TokenParams = Type.Object({ id: TokenId })
