import type { Token } from '../schemas/tokens.js'
import type { User, UserWithTokens } from '../schemas/users.js'
import { vexaScopes } from './check-app.js'
import { toNumber } from './ids.js'
import { imageOf, visibleData } from './user-data.js'

/** Functions that convert users and tokens for replies. The option `shape` chooses the members of the results. */
export interface Shapes {
  user (user: User): object
  userWithTokens (user: UserWithTokens): object
  createdToken (token: Token): object
}

/** Creates the functions. With `strict`, the results have only the members of Vexa 0.12. */
export function createShapes (strict: boolean): Shapes {
  return strict
    ? { user: strictUser, userWithTokens: strictUser, createdToken: strictToken }
    : { user: unionUser, userWithTokens, createdToken: (token) => ({ ...listedToken(token), token: token.token }) }
}

function strictUser (user: User) {
  const { id, email, name, max_concurrent_bots: bots } = user
  return { id: toNumber(id), email, name, max_concurrent_bots: bots, data: visibleData(user) }
}

function unionUser (user: User) {
  return { ...strictUser(user), image_url: imageOf(user), created_at: user.created_at }
}

function userWithTokens (user: UserWithTokens) {
  const tokens = user.api_tokens.map((token) => ({ ...listedToken(token), token: token.token }))
  return { ...unionUser(user), api_tokens: tokens }
}

/** Returns a user for the list `GET /admin/analytics/users`: without `data`. */
export function analyticsUser (user: User): object {
  const { data: _data, ...members } = unionUser(user)
  return members
}

function strictToken (token: Token) {
  return { id: toNumber(token.id), token: token.token, user_id: toNumber(token.user_id), scopes: scopesOf(token) }
}

/** Returns a token for a list: without its value. */
export function listedToken (token: Token): object {
  return {
    id: toNumber(token.id),
    user_id: toNumber(token.user_id),
    scopes: scopesOf(token),
    name: token.name ?? null,
    created_at: token.created_at,
    last_used_at: token.last_used_at ?? null,
    expires_at: token.expires_at ?? null
  }
}

/**
 * Returns the scopes of a token. A token without scopes may do everything, so the function returns all scopes of Vexa
 * for it.
 */
export function scopesOf ({ scopes = [...vexaScopes] }: Token): string[] {
  return scopes
}
