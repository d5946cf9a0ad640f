import { TokenExpiredError, TokenNotFoundError, TokenReferencedError, UserNotFoundError } from '../errors.js'
import type { ChangeSource, Publish } from '../events.js'
import { RotateToken, createTokenBodies, type CreateToken, type Token, type VerifyToken } from '../schemas/tokens.js'
import { validator } from '../schemas/validator.js'
import type { Verification } from '../schemas/verification.js'
import type { LastUsed } from '../storage/decorators/last-used.js'
import type { Storage, TokenRecord, TokenReplacement } from '../storage/storage-adapter.js'
import { toId, toKey } from './ids.js'
import { toToken, toUser } from './serializers.js'
import type { TokenService } from './token-service.js'
import { createTokenValue, hashTokenValue, isTokenValue } from './token-value.js'

/** The token service for the routes and hooks of this package. They pass the source of each change. */
export interface TokenRouteService extends Pick<TokenService, 'list'> {
  create (userId: string, token: CreateToken | undefined, source: ChangeSource): Promise<Token>
  revoke (id: string, source: ChangeSource): Promise<void>
  /**
   * Revokes the token that has this value, even if it has expired or its user is disabled. Does nothing if there is no
   * such token.
   *
   * @throws {TokenReferencedError} 409 if a foreign key of the app's own tables refers to the token
   */
  revokeByValue (value: string, source: ChangeSource): Promise<void>
  revokeAll (userId: string, source: ChangeSource): Promise<void>
  rotate (id: string, rotation: RotateToken | undefined, source: ChangeSource): Promise<Token>
  /** Verifies as TokenService does. If the token lacks scopes, calls `onMissing` with the missing scopes. */
  verify (token: VerifyToken, onMissing?: (scopes: string[]) => void): Promise<Verification>
  /** Returns whether a value has the form of a token. Any other value is rejected without a query. */
  mayBeToken (value: string): boolean
}

export interface TokenServiceOptions {
  /** New tokens get the first prefix. Tokens with any of the prefixes are accepted. */
  tokenPrefix: readonly string[]
  /** Names of the scopes that a token may be limited to. */
  scopes: readonly string[]
  /** Longest lifetime of a new token in seconds, or Infinity. */
  maxTokenLifetime: number
}

const validateRotate = validator(RotateToken)

/** Creates the service for tokens. Each error that `storage` throws must have a code of this package. */
export function createTokenService (
  storage: Storage, publish: Publish, lastUsed: LastUsed, options: TokenServiceOptions
): TokenRouteService {
  const { tokenPrefix, scopes, maxTokenLifetime } = options
  const bodies = createTokenBodies(scopes, maxTokenLifetime)
  const validateCreate = validator(bodies.CreateToken)
  const validateVerify = validator(bodies.VerifyToken)
  const mayBeToken = (value: string) => isTokenValue(value, tokenPrefix)

  /** @throws {UserNotFoundError} 404 */
  async function findUserKey (userId: string): Promise<string> {
    const key = toKey('user', userId)
    const user = key === undefined ? undefined : await storage.findUser(key)
    if (user === undefined) throw new UserNotFoundError()
    return user.id
  }

  return {
    mayBeToken,

    async create (userId, input = {}, source) {
      validateCreate(input)
      const userKey = toKey('user', userId)
      if (userKey === undefined) throw new UserNotFoundError()
      const now = Date.now()
      const value = createTokenValue(tokenPrefix[0] as string)
      const token = await storage.createToken({
        user_id: userKey,
        hash: hashTokenValue(value),
        name: input.name ?? null,
        scopes: input.scopes ?? null,
        ...lifetime(now, input.expires_in ?? null, maxTokenLifetime)
      })
      if (token === 'absent') throw new UserNotFoundError()
      publish('token:created', source, { tokenId: toId('token', token.id), userId: toId('user', token.user_id) })
      return toToken(token, value)
    },

    async list (userId) {
      const tokens = await storage.listTokens(await findUserKey(userId))
      return tokens.map((token) => toToken(token))
    },

    async revoke (id, source) {
      const key = toKey('token', id)
      const revoked = key !== undefined && await storage.revokeToken(key)
      if (revoked === 'referenced') throw new TokenReferencedError()
      if (!revoked) throw new TokenNotFoundError()
      publish('token:revoked', source, { tokenId: toId('token', key) })
    },

    async revokeByValue (value, source) {
      const found = mayBeToken(value) ? await storage.findTokenByHash(hashTokenValue(value)) : undefined
      if (found === undefined) return
      const { id } = found.token
      const revoked = await storage.revokeToken(id)
      if (revoked === 'referenced') throw new TokenReferencedError()
      // Another call may have revoked the token meanwhile.
      if (revoked) publish('token:revoked', source, { tokenId: toId('token', id) })
    },

    async revokeAll (userId, source) {
      const userKey = await findUserKey(userId)
      if (await storage.revokeTokens(userKey) === 'referenced') throw new TokenReferencedError()
      publish('token:revoked', source, { userId: toId('user', userKey) })
    },

    async rotate (id, input = {}, source) {
      validateRotate(input)
      const key = toKey('token', id)
      if (key === undefined) throw new TokenNotFoundError()
      const value = createTokenValue(tokenPrefix[0] as string)
      const hash = hashTokenValue(value)
      const token = await storage.rotateToken(key, (old) =>
        replace(old, hash, input.grace_period ?? 0, maxTokenLifetime))
      if (token === 'absent') throw new TokenNotFoundError()
      if (token === 'rejected') throw new TokenExpiredError()
      if (token === 'referenced') throw new TokenReferencedError()
      publish('token:rotated', source, {
        tokenId: toId('token', key),
        successorId: toId('token', token.id),
        userId: toId('user', token.user_id)
      })
      return toToken(token, value)
    },

    async verify (input, onMissing) {
      validateVerify(input)
      if (!mayBeToken(input.token)) return { valid: false, code: 'NOT_FOUND' }
      const finding = storage.findTokenByHash(hashTokenValue(input.token))
      // A synchronous answer is not awaited, because the promises of thousands of requests would cost memory.
      const found = finding instanceof Promise ? await finding : finding
      if (found === undefined) return { valid: false, code: 'NOT_FOUND' }
      const { token, user } = found
      const now = Date.now()
      if (isExpired(token, now)) return { valid: false, code: 'EXPIRED' }
      if (user.disabled) return { valid: false, code: 'DISABLED' }
      const { scopes } = token
      const missing = scopes === null ? undefined : input.scopes?.filter((scope) => !scopes.includes(scope))
      if (missing?.length) {
        onMissing?.(missing)
        return { valid: false, code: 'INSUFFICIENT_SCOPE' }
      }
      if (input.touch !== false) lastUsed.note(token.id, token.last_used_at, now)
      return { valid: true, user: toUser(user), token: toToken(token) }
    }
  }
}

/** Returns the replacement of a token, or `'rejected'` if it has expired. The last two arguments are in seconds. */
function replace (
  old: TokenRecord, hash: Buffer, gracePeriod: number, maxTokenLifetime: number
): TokenReplacement | 'rejected' {
  const now = Date.now()
  if (isExpired(old, now)) return 'rejected'
  const end = after(now, gracePeriod)
  return {
    // Without a grace period, the token is deleted, because an expiry would depend on the clock of each process.
    expires_at: gracePeriod === 0 ? null : old.expires_at !== null && old.expires_at < end ? old.expires_at : end,
    successor: {
      user_id: old.user_id,
      hash,
      name: old.name,
      scopes: old.scopes,
      // The old token may be from a time without the limit, or with a higher one.
      ...lifetime(now, old.expires_in, maxTokenLifetime)
    }
  }
}

/** Returns the times of a token that is created now. `expiresIn` is in seconds, and at most `longest` counts. */
function lifetime (now: number, expiresIn: number | null, longest: number) {
  const seconds = Math.min(expiresIn ?? Infinity, longest)
  const ends = seconds !== Infinity
  return { expires_at: ends ? after(now, seconds) : null, expires_in: ends ? seconds : null, created_at: after(now, 0) }
}

function isExpired ({ expires_at: expiresAt }: TokenRecord, now: number): boolean {
  // The comparison is negated, so that text that is not a time counts as expired.
  return expiresAt !== null && !(Date.parse(expiresAt) > now)
}

/** Returns the time `seconds` after `now`, as RFC 3339 in UTC. */
function after (now: number, seconds: number): string {
  return new Date(now + seconds * 1000).toISOString()
}
