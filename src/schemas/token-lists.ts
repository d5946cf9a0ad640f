import { Type, type Static, type TUnsafe } from '@sinclair/typebox'
import { Component, Expected } from './annotations.js'
import { OneOf, type Input } from './primitives.js'
import { Text } from './text.js'
import { Time } from './time.js'
import { Token } from './tokens.js'
import { User } from './users.js'

const { id, email, name } = User.properties

/** A token, and the id, e-mail address and name of its user. */
export const FoundToken = Type.Object({
  ...Token.properties,
  user: Type.Object({ id, email, name })
}, {
  [Component]: 'FoundToken',
  description: 'The token, and its user',
  examples: [{ ...Token.examples[0], user: { id: 'user-123', email: 'user@example.com', name: 'John Doe' } }]
})
export type FoundToken = Static<typeof FoundToken>

const Limit = (maximum: number, byDefault: number) => Type.Integer({
  minimum: 1,
  maximum,
  default: byDefault,
  description: 'Maximum number of tokens to return.'
})

const page = {
  after: Type.Optional(Type.String({
    pattern: '^token-[\\w-]{1,64}$',
    description: 'Start after the token with this id. The token itself may have been revoked.'
  })),
  order: Type.Optional(OneOf(['asc', 'desc'], {
    default: 'asc',
    description: 'In order of creation: `asc` from the oldest token, `desc` from the newest.'
  }))
}

/** Query of `GET /users/:id/tokens`. */
export const ListTokens = Type.Object({
  ...page,
  limit: Type.Optional(Limit(1000, 1000))
}, { additionalProperties: false })
export type ListTokens = Input<Static<typeof ListTokens>>

/** Query of `GET /tokens`. */
export interface FindTokens extends ListTokens {
  /** Selects tokens whose name contains this text, in any letter case. */
  search?: string | undefined
  /** Selects tokens whose `start` begins with this text: the prefix and up to 4 more characters of a value. */
  start?: string | undefined
  /**
   * Selects tokens that are in this state now. An expired token is only in the state `expired`, even if it is disabled.
   */
  state?: 'active' | 'disabled' | 'expired' | undefined
  /**
   * Selects tokens whose last use is before this time (RFC 3339). For a token that was never used, the time of creation
   * counts.
   */
  unused_since?: string | undefined
  /** Selects tokens that expire, or expired, before this time (RFC 3339). */
  expires_before?: string | undefined
  /** Whether to count all tokens that match. */
  count?: boolean | undefined
}

/** Returns the schema of FindTokens for tokens with these prefixes. */
export function createFindTokens (prefixes: readonly string[]): TUnsafe<FindTokens> {
  return Type.Unsafe<FindTokens>(Type.Object({
    ...page,
    limit: Type.Optional(Limit(1000, 100)),
    search: Type.Optional(Text(255, {
      description: 'Return only tokens whose name contains this text, in any letter case.'
    })),
    start: Type.Optional(Start(Math.max(...prefixes.map(({ length }) => length)) + startLength)),
    state: Type.Optional(OneOf(['active', 'disabled', 'expired'], {
      description: 'Return only tokens that are in this state now. Each token is in exactly one state: an expired token ' +
        'is `expired` even if it is disabled. The state of the user does not matter.'
    })),
    unused_since: Type.Optional(Time({
      description: 'Return only tokens whose last use is before this time. For a token that was never ' +
        'used, the time of creation counts.'
    })),
    expires_before: Type.Optional(Time({
      description: 'Return only tokens that expire, or expired, before this time.'
    })),
    count: Type.Optional(Type.Boolean({
      default: false,
      description: 'Whether the header `X-Total-Count` of the reply gives the number of all matching tokens.'
    }))
  }, { additionalProperties: false }))
}

/** Number of characters after the prefix that the option `tokenStart` keeps. */
export const startLength = 4

// A text of more than `maxLength` characters is rejected. It matches no token, and may be a whole value, which must not
// be in a URL.
const Start = (maxLength: number) => Type.String({
  maxLength,
  pattern: '^[!-~]+$',
  description: 'Return only tokens whose `start` begins with this text. Do not send a whole value here, because URLs ' +
    'are logged: send it to `POST /tokens/verify`, with `touch` false.',
  [Expected]: `Expected the first characters of a value, at most ${maxLength}. To find a token by its whole value, ` +
    'use POST /tokens/verify with touch: false, because URLs are logged'
})

/** Query of `DELETE /tokens`. Documentation pages fill in the examples, so the examples match no token. */
export const PruneTokens = Type.Object({
  state: OneOf(['expired'], { examples: ['expired'], description: 'Only expired tokens can be deleted.' }),
  expired_before: Time({
    examples: ['2000-01-01T00:00:00Z'],
    description: 'Delete the tokens that expired before this time, which must not be in the future.'
  })
}, { additionalProperties: false })

/** The number of deleted tokens. */
export const PrunedTokens = Type.Object({
  deleted: Type.Integer({ description: 'Number of deleted tokens.' })
}, { [Component]: 'PrunedTokens', description: 'The expired tokens are deleted', examples: [{ deleted: 12 }] })
export type PrunedTokens = Static<typeof PrunedTokens>
