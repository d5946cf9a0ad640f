import { setImmediate } from 'node:timers/promises'
import type { NewTokenRecord, StorageAdapter, TokenRecord } from '../../../../src/index.js'
import { readEarly, type Breaking, type BrokenByCase } from './breaking.js'

/** Breaks `updateToken`: another call may run between its read and its write. */
export const updatingLate: Breaking = (storage) => ({
  updateToken: async (id, change) => {
    const current = await readEarly(storage, id)
    return current === undefined ? 'absent' : storage.updateToken(id, () => change(current))
  }
})

/** Breaks `rotateToken`: another call may run between its read and its write. */
export const rotatingLate: Breaking = (storage) => ({
  rotateToken: async (id, replace) => {
    const old = await readEarly(storage, id)
    return old === undefined ? 'absent' : storage.rotateToken(id, () => replace(old))
  }
})

/** Breaks `rotateToken`: another call may run between its read of the successor and its write. */
export const findingSuccessorLate: Breaking = (storage) => ({
  rotateToken: async (id, replace) => {
    let seen: TokenRecord | undefined
    await storage.rotateToken(id, (_old, successor) => {
      seen = successor
      return 'rejected'
    })
    await setImmediate()
    return storage.rotateToken(id, (old) => replace(old, seen))
  }
})

/** Breaks `pruneTokens`: another call may run between its read and its write. */
export const pruningLate: Breaking = (storage) => ({
  pruneTokens: async ({ expiredBefore, ...batch }) => {
    const expired = await storage.listTokens({ order: 'asc', expiresBefore: expiredBefore, ...batch })
    await setImmediate()
    for (const { token } of expired) await storage.revokeToken(token.id)
    return { deleted: expired.length, last: expired.at(-1)?.token.id }
  }
})

export const tokenRaces: BrokenByCase = {
  'updateToken: loses no change when 20 calls update one token at once': {
    'updateToken reads the token before it locks it': updatingLate
  },
  'updateToken: loses no change when calls update different members at once': {
    'updateToken writes all members back': (storage) => ({
      updateToken: async (id, change) => {
        const current = await readEarly(storage, id) as TokenRecord
        const { name, scopes, expires_at: expires, disabled, data } = current
        return storage.updateToken(id, () =>
          ({ name, scopes, expires_at: expires, disabled, data, ...change(current) as object }))
      }
    })
  },
  'updateToken, rotateToken: run one after the other when called at once': {
    'updateToken reads the token before it locks it': updatingLate,
    'rotateToken reads the token before it locks it': rotatingLate,
    'rotateToken writes all members of the old token back': (storage) => ({
      rotateToken: async (id, replace) => {
        const old = await readEarly(storage, id) as TokenRecord
        const created = await storage.rotateToken(id, replace)
        await storage.updateToken(id, () => ({ disabled: old.disabled }))
        return created
      }
    })
  },
  'rotateToken: passes a successor to 9 of 10 calls at once': {
    'rotateToken reads the successor before it locks the token': findingSuccessorLate
  },
  'updateToken, touchTokens: lose no change when called at once': {
    'updateToken writes last_used_at back': (storage) => {
      const used = new Map<string, string | null>()
      return {
        updateToken: async (id, change) => {
          const current = await readEarly(storage, id)
          used.set(id, current?.last_used_at ?? null)
          return storage.updateToken(id, change)
        },
        listTokens: async (page) => (await storage.listTokens(page)).map(({ token, user }) =>
          ({ token: { ...token, last_used_at: used.get(token.id) ?? null }, user }))
      }
    },
    'touchTokens writes the name back': (storage) => ({
      touchTokens: async (ids, time) => {
        const names = await Promise.all(ids.map(async (id) => (await storage.findToken(id))?.token.name))
        await setImmediate()
        await Promise.all(ids.map((id, n) => storage.updateToken(id, () => ({ name: names[n] }))))
        await storage.touchTokens(ids, time)
      }
    })
  },
  'updateToken: brings no token back when it ends at the same time': {
    'updateToken writes a revoked token back': (storage) => {
      const hashes = new Map<string, NewTokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') hashes.set(created.id, token)
          return created
        },
        updateToken: async (id, change) => {
          const current = await readEarly(storage, id)
          const updated = await storage.updateToken(id, change)
          if (updated !== 'absent' || current === undefined) return updated
          await storage.createToken(hashes.get(id) as NewTokenRecord)
          return current
        }
      }
    },
    'revokeToken returns true after updateToken of a revoked token': (storage) => {
      const ghosts = new Set<string>()
      return {
        updateToken: async (id, change) => {
          ghosts.add(id)
          return storage.updateToken(id, change)
        },
        revokeToken: async (id) => (await storage.revokeToken(id)) || ghosts.delete(id)
      }
    }
  },
  'pruneTokens: leaves a token whose expiry an update extends at once': {
    'pruneTokens lists the tokens before it deletes them': pruningLate,
    'pruneTokens counts a token that it leaves': (storage) => ({
      pruneTokens: async (batch) => {
        const expired = await storage.listTokens({ order: 'asc', expiresBefore: batch.expiredBefore, limit: 1000 })
        await setImmediate()
        return { ...await storage.pruneTokens(batch), deleted: expired.length }
      }
    })
  },
  'pruneTokens: counts each token once when called 4 times at once': {
    'pruneTokens lists the tokens before it deletes them': pruningLate,
    'pruneTokens leaves each second token to the other calls': (storage) => {
      let calls = 0
      return {
        pruneTokens: async (batch) => ++calls % 2 === 0 ? { deleted: 0 } : storage.pruneTokens({ ...batch, limit: 1 })
      } satisfies Partial<StorageAdapter>
    }
  }
}
