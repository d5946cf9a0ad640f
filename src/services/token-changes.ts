import {
  TokenExpiredError, TokenNotFoundError, TokenReferencedError, TokenRotatedError, UserNotFoundError
} from '../errors.js'
import type { Publish } from '../events.js'
import { createTokenBodies, RotateToken, type UpdateToken } from '../schemas/token-bodies.js'
import { startLength } from '../schemas/token-lists.js'
import { validator } from '../schemas/validator.js'
import type {
  NewTokenRecord, Storage, TokenChanges, TokenRecord, TokenReplacement
} from '../storage/storage-adapter.js'
import { changedMembers, type CreateEntry } from './audit-entries.js'
import { checkDataSize } from './check-data-size.js'
import { toId, toKey } from './ids.js'
import { mergePatch } from './merge-patch.js'
import { toToken } from './serializers.js'
import { isExpired, lifetime, limited, secondsLater, sooner, toTime } from './token-times.js'
import { createTokenValue, hashTokenValue } from './token-value.js'
import type { TokenRouteService, TokenServiceOptions } from './tokens.js'

type TokenChangeMethods = Pick<TokenRouteService, 'create' | 'rotate' | 'update'>

type Secret = Pick<NewTokenRecord, 'hash' | 'start'>

const validateRotate = validator(RotateToken)

/** Creates the methods of the token service that create and change tokens. */
export function createTokenChanges (
  storage: Pick<Storage, 'createToken' | 'rotateToken' | 'updateToken'>,
  publish: Publish,
  createEntry: CreateEntry,
  options: TokenServiceOptions
): TokenChangeMethods {
  const { tokenPrefix, tokenStart, maxTokenLifetime, maxDataSize } = options
  const bodies = createTokenBodies(options)
  const validateCreate = validator(bodies.CreateToken)
  const validateUpdate = validator(bodies.UpdateToken)
  const firstPrefix = tokenPrefix[0] as string

  /** Creates a value. Returns the value, and the members of a token's record that are computed from the value. */
  function createSecret (prefix: string): { value: string, record: Secret } {
    const value = createTokenValue(prefix)
    const start = tokenStart ? value.slice(0, prefix.length + startLength) : null
    return { value, record: { hash: hashTokenValue(value), start } }
  }

  /**
   * Returns the prefix that `start` of a token shows, or else the first prefix of the option `tokenPrefix`. If one
   * prefix begins with another prefix, the length of `start` decides between them.
   */
  function prefixOf ({ start }: TokenRecord): string {
    const isShown = (prefix: string) => start?.length === prefix.length + startLength && start.startsWith(prefix)
    return tokenPrefix.find(isShown) ?? firstPrefix
  }

  /** Returns the changes that the storage writes to a token, or `'rejected'` if the token has expired. */
  function change (current: TokenRecord, input: UpdateToken): TokenChanges | 'rejected' {
    const now = Date.now()
    if (isExpired(current, now)) return 'rejected'
    const { expires_in: expiresIn, data: patch, ...rest } = input
    const data = patch === undefined ? undefined : mergePatch(current.data, patch) as TokenRecord['data']
    return {
      ...rest,
      ...expiresIn !== undefined && lifetime(now, expiresIn),
      ...data !== undefined && { data: checkDataSize(data, maxDataSize) }
    }
  }

  /**
   * Returns the new expiry of a token and its successor, or `'rejected'` if the token has expired.
   *
   * @throws {TokenRotatedError} 409 if the token has a successor that has not expired
   */
  function replace (
    old: TokenRecord, successor: TokenRecord | undefined, gracePeriod: number, secret: Secret
  ): TokenReplacement | 'rejected' {
    const now = Date.now()
    if (successor !== undefined && !isExpired(successor, now)) throw new TokenRotatedError(toId('token', successor.id))
    if (isExpired(old, now)) return 'rejected'
    const end = secondsLater(now, Math.min(gracePeriod, maxTokenLifetime))
    return {
      // Without a grace period, `null` makes the storage delete the token. An expiry would depend on the clock of each
      // process.
      expires_at: gracePeriod === 0 ? null : sooner(old.expires_at, end),
      successor: {
        user_id: old.user_id,
        name: old.name,
        scopes: old.scopes,
        disabled: old.disabled,
        data: old.data,
        created_at: toTime(now),
        // The limit may be lower now than when the old token was created.
        ...lifetime(now, limited(old.expires_in, maxTokenLifetime)),
        ...secret
      }
    }
  }

  return {
    async create (userId, input = {}, source) {
      validateCreate(input)
      const userKey = toKey('user', userId)
      if (userKey === undefined) throw new UserNotFoundError()
      const now = Date.now()
      const { value, record } = createSecret(input.prefix ?? firstPrefix)
      const token = await storage.createToken({
        user_id: userKey,
        name: input.name ?? null,
        scopes: input.scopes ?? null,
        disabled: false,
        data: checkDataSize(input.data ?? null, maxDataSize),
        created_at: toTime(now),
        ...lifetime(now, limited(input.expires_in ?? null, maxTokenLifetime)),
        ...record
      }, createEntry('token.created', source))
      if (token === 'absent') throw new UserNotFoundError()
      publish('token:created', source, { tokenId: toId('token', token.id), userId: toId('user', token.user_id) })
      return toToken(token, value)
    },

    async update (id, input, source) {
      validateUpdate(input)
      const changed = changedMembers(input)
      const entry = createEntry('token.updated', source, changed)
      const token = await storage.updateToken(tokenKey(id), (current) => change(current, input), entry)
      if (token === 'absent') throw new TokenNotFoundError()
      if (token === 'rejected') throw new TokenExpiredError()
      if (changed.length > 0) {
        publish('token:updated', source, {
          tokenId: toId('token', token.id), userId: toId('user', token.user_id), changed
        })
      }
      return toToken(token)
    },

    async rotate (id, input = {}, source) {
      validateRotate(input)
      const key = tokenKey(id)
      let value = ''
      const token = await storage.rotateToken(key, (old, successor) => {
        const secret = createSecret(prefixOf(old))
        value = secret.value
        return replace(old, successor, input.grace_period ?? 0, secret.record)
      }, createEntry('token.rotated', source))
      if (token === 'absent') throw new TokenNotFoundError()
      if (token === 'rejected') throw new TokenExpiredError()
      if (token === 'referenced') throw new TokenReferencedError()
      publish('token:rotated', source, {
        tokenId: toId('token', key),
        successorId: toId('token', token.id),
        userId: toId('user', token.user_id)
      })
      return toToken(token, value)
    }
  }
}

/** @throws {TokenNotFoundError} 404 if the text cannot be the id of a token */
function tokenKey (id: string): string {
  const key = toKey('token', id)
  if (key === undefined) throw new TokenNotFoundError()
  return key
}
