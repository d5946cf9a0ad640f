import { setImmediate } from 'node:timers/promises'
import { InvalidInputError, TokenNotFoundError, TokenReferencedError } from '../errors.js'
import type { Publish } from '../events.js'
import { toRecordTime } from '../schemas/time.js'
import { PruneTokens } from '../schemas/token-lists.js'
import { validator } from '../schemas/validator.js'
import type { Storage } from '../storage/storage-adapter.js'
import type { CreateEntry } from './audit-entries.js'
import { findUserKey } from './find-user-key.js'
import { toId, toKey } from './ids.js'
import { createTokenForm, hashTokenValue } from './token-value.js'
import type { TokenRouteService, TokenServiceOptions } from './tokens.js'

type TokenRevocations = Pick<TokenRouteService, 'prune' | 'revoke' | 'revokeAll' | 'revokeByValue'>

const validatePrune = validator(PruneTokens)

// The storage may delay other queries during a batch, so a batch is small. On SQLite, a batch takes a few milliseconds.
const pruneBatchSize = 1000

/** Creates the methods of the token service that revoke tokens or delete expired tokens. */
export function createTokenRevocations (
  storage: Storage, publish: Publish, createEntry: CreateEntry, options: TokenServiceOptions
): TokenRevocations {
  const mayBeToken = createTokenForm(options)

  return {
    async revoke (id, source) {
      const key = toKey('token', id)
      const revoked = key !== undefined && await storage.revokeToken(key, createEntry('token.revoked', source))
      if (revoked === 'referenced') throw new TokenReferencedError()
      if (!revoked) throw new TokenNotFoundError()
      publish('token:revoked', source, { tokenId: toId('token', key) })
    },

    async revokeByValue (value, source) {
      if (!mayBeToken(value)) return
      const found = await storage.findTokenByHash(hashTokenValue(value))
      if (found === undefined) return
      const { id, user_id: userKey } = found.token
      const revoked = await storage.revokeToken(id, createEntry('token.revoked', source))
      if (revoked === 'referenced') throw new TokenReferencedError()
      // Another call may have revoked the token meanwhile.
      if (revoked) publish('token:revoked', source, { tokenId: toId('token', id), userId: toId('user', userKey) })
    },

    async revokeAll (userId, source) {
      const userKey = await findUserKey(storage, userId)
      const revoked = await storage.revokeTokens(userKey, createEntry('token.revoked', source))
      if (revoked === 'referenced') throw new TokenReferencedError()
      publish('token:revoked', source, { userId: toId('user', userKey) })
    },

    async prune (time) {
      validatePrune({ state: 'expired', expired_before: time })
      const expiredBefore = toRecordTime(time)
      if (Date.parse(expiredBefore) > Date.now()) {
        throw new InvalidInputError('expired_before must not be in the future')
      }
      let deleted = 0
      let last: string | undefined
      do {
        const batch = await storage.pruneTokens({ expiredBefore, after: last, limit: pruneBatchSize })
        deleted += batch.deleted
        last = batch.last
        // This lets other requests run between two batches, even if the storage answers at once.
        await setImmediate()
      } while (last !== undefined)
      return { deleted }
    }
  }
}
