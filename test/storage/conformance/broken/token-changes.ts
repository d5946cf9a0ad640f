import type { ListedToken, NewTokenRecord, StorageAdapter, TokenChanges, TokenRecord } from '../../../../src/index.js'
import { allTokens, type Breaking, type BrokenByCase } from './breaking.js'

/** Breaks `updateToken`: it writes what `change` makes of the changes. */
const changing = (change: (changes: TokenChanges, current: TokenRecord) => TokenChanges): Breaking => (storage) => ({
  updateToken: async (id, decide) => storage.updateToken(id, (current) => {
    const changes = decide(current)
    return changes === 'rejected' ? changes : change(changes, current)
  })
})

/** Finds a successor. `created` are all that rotations of the token created, and `current` is the right one. */
type FindSuccessor = (
  created: TokenRecord[], current: TokenRecord | undefined, storage: StorageAdapter
) => Promise<TokenRecord | undefined>

/** Breaks `rotateToken`: it passes the successor that `find` returns to `replace`. */
const passing =
  (find: FindSuccessor): Breaking =>
    (storage) => {
      const successors = new Map<string, TokenRecord[]>()
      return {
        rotateToken: async (id, replace) => {
          let current: TokenRecord | undefined
          await storage.rotateToken(id, (_old, successor) => {
            current = successor
            return 'rejected'
          })
          const passed = await find(successors.get(id) ?? [], current, storage)
          const created = await storage.rotateToken(id, (old) => replace(old, passed))
          if (typeof created === 'object') successors.set(id, [...successors.get(id) ?? [], created])
          return created
        }
      }
    }

export const tokenChanges: BrokenByCase = {
  'updateToken: sets the given members only': {
    'updateToken sets a member that is undefined to null': changing((changes) =>
      Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value ?? null]))),
    'updateToken enables a token when disabled is missing': changing((changes) => ({ disabled: false, ...changes })),
    'updateToken removes the lifetime with the expiry': changing((changes) =>
      changes.expires_at === undefined ? changes : { expires_in: null, ...changes }),
    'updateToken merges data': changing((changes, { data }) =>
      changes.data ? { ...changes, data: { ...data, ...changes.data } } : changes),
    'updateToken stores empty scopes as null': changing((changes) =>
      changes.scopes?.length === 0 ? { ...changes, scopes: null } : changes),
    'updateToken returns the token as it was before': (storage) => ({
      updateToken: async (id, change) => {
        const before = await storage.findToken(id)
        const updated = await storage.updateToken(id, change)
        return typeof updated === 'string' ? updated : (before as ListedToken).token
      }
    }),
    'updateToken passes a token without its data': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => change({ ...current, data: null }))
    }),
    'findTokenByHash returns the token as it was before': (storage) => {
      const found = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
      return {
        findTokenByHash: async (hash) => {
          const key = hash.toString('hex')
          if (!found.has(key)) found.set(key, await storage.findTokenByHash(hash))
          return found.get(key)
        }
      }
    }
  },
  'updateToken: leaves the token in its place, and last_used_at as it is': {
    'an updated token moves to the end': (storage) => {
      const updated: string[] = []
      return {
        updateToken: async (id, change) => {
          updated.push(id)
          return storage.updateToken(id, change)
        },
        listTokens: async (page) => (await storage.listTokens(page)).sort((a, b) =>
          updated.indexOf(a.token.id) - updated.indexOf(b.token.id))
      }
    },
    'an update counts as a use': (storage) => ({
      updateToken: async (id, change) => {
        await storage.touchTokens([id], '2099-01-01T00:00:00.000Z')
        return storage.updateToken(id, change)
      }
    })
  },
  'updateToken: changes nothing when change rejects or throws': {
    "updateToken returns 'absent' when change rejects": (storage) => ({
      updateToken: async (id, change) => {
        const updated = await storage.updateToken(id, change)
        return updated === 'rejected' ? 'absent' : updated
      }
    }),
    'updateToken wraps the error of change': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => {
        try {
          return change(current)
        } catch (cause) {
          throw new Error('change failed', { cause })
        }
      })
    }),
    'updateToken rejects when change throws': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, change).catch(() => 'rejected' as const)
    }),
    'updateToken writes before it calls change': (storage) => ({
      updateToken: async (id, change) => {
        await storage.updateToken(id, () => ({ name: 'pending' }))
        return storage.updateToken(id, change)
      }
    })
  },
  "updateToken: returns 'absent' when the token was never created or has ended": {
    'updateToken calls change before it looks the token up': (storage) => ({
      updateToken: async (id, change) => {
        change({ id } as TokenRecord)
        return storage.updateToken(id, change)
      }
    }),
    'updateToken throws when a key is no number': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(String(BigInt(id)), change)
    }),
    'updateToken creates a revoked token again': (storage) => {
      const tokens = new Map<string, NewTokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') tokens.set(created.id, token)
          return created
        },
        updateToken: async (id, change) => {
          const token = tokens.get(id)
          if (token !== undefined && !(await storage.findToken(id))) await storage.createToken(token)
          return storage.updateToken(id, change)
        }
      }
    },
    "updateToken returns 'rejected' for an absent token": (storage) => ({
      updateToken: async (id, change) => {
        const updated = await storage.updateToken(id, change)
        return updated === 'absent' ? 'rejected' : updated
      }
    })
  },
  'updateToken, findToken: store no change that a caller makes to a record': {
    'findToken returns the stored object itself': (storage) => {
      const kept = new Map<string, ListedToken | undefined>()
      return {
        findToken: async (id) => {
          if (!kept.has(id)) kept.set(id, await storage.findToken(id))
          return kept.get(id)
        }
      }
    },
    'updateToken passes the stored object itself': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => {
        const changes = change(current)
        return changes === 'rejected' ? changes : { ...changes, data: current.data, scopes: current.scopes }
      })
    }),
    'createToken keeps the record that it got': (storage) => {
      const given = new Map<string, NewTokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') given.set(created.id, token)
          return created
        },
        findToken: async (id) => {
          const found = await storage.findToken(id)
          return found && { ...found, token: { ...found.token, data: given.get(id)?.data ?? null } }
        }
      }
    }
  },
  'rotateToken: passes the latest successor to replace, as it is now': {
    'rotateToken passes no successor': passing(async () => undefined),
    'rotateToken passes the first successor': passing(async ([first], _current, storage) =>
      first && (await storage.findToken(first.id))?.token),
    'rotateToken passes the successor as it was created': passing(async (successors) => successors.at(-1)),
    'an expired successor has ended': passing(async (_successors, current) =>
      current && current.expires_at === null ? current : undefined),
    'a disabled successor has ended': passing(async (_successors, current) => current?.disabled ? undefined : current),
    'rotateToken passes a token to its own successor': passing(async (_successors, current, storage) =>
      current ?? (await allTokens(storage))[0]),
    'an update forgets the successor': (storage) => {
      const updated = new Set<string>()
      return {
        updateToken: async (id, change) => {
          updated.add(id)
          return storage.updateToken(id, change)
        },
        rotateToken: async (id, replace) =>
          storage.rotateToken(id, (old, successor) => replace(old, updated.has(id) ? undefined : successor))
      }
    }
  },
  'rotateToken: passes no successor to replace when the latest one has ended': {
    'rotateToken passes an earlier successor': passing(async (successors, current, storage) => {
      const found = await Promise.all(successors.map(({ id }) => storage.findToken(id)))
      return current ?? found.findLast(Boolean)?.token
    }),
    'rotateToken passes a successor that has ended': passing(async (successors) => successors.at(-1)),
    'rotateToken passes the newest token of the user': passing(async (_successors, current, storage) =>
      current ?? (await allTokens(storage)).at(-1))
  },
  'pruneTokens: deletes the tokens that expired before a time, and no other': {
    'pruneTokens deletes a token that expires at that time': (storage) => ({
      pruneTokens: async (batch) => storage.pruneTokens({
        ...batch, expiredBefore: new Date(Date.parse(batch.expiredBefore) + 1).toISOString()
      })
    }),
    'pruneTokens deletes all tokens that expire': (storage) => ({
      pruneTokens: async (batch) => storage.pruneTokens({ ...batch, expiredBefore: '2099-01-01T00:00:00.000Z' })
    }),
    'pruneTokens deletes tokens that never expire': (storage) => ({
      pruneTokens: async (batch) => {
        for (const { id, expires_at: expires } of await allTokens(storage)) {
          if (expires === null) await storage.revokeToken(id)
        }
        return storage.pruneTokens(batch)
      }
    }),
    'pruneTokens leaves disabled tokens': (storage) => ({
      pruneTokens: async ({ expiredBefore, limit }) => {
        let deleted = 0
        for (const { token } of await storage.listTokens({ order: 'asc', expiresBefore: expiredBefore, limit })) {
          if (!token.disabled && await storage.revokeToken(token.id) === true) deleted++
        }
        return { deleted }
      }
    }),
    'pruneTokens reports the limit': (storage) => ({
      pruneTokens: async (batch) => ({ ...await storage.pruneTokens(batch), deleted: batch.limit })
    }),
    'findTokenByHash finds a token that pruneTokens has deleted': (storage) => {
      const found = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          found.set(token.hash.toString('hex'), await storage.findTokenByHash(token.hash))
          return created
        },
        findTokenByHash: async (hash) => found.get(hash.toString('hex'))
      }
    }
  },
  'pruneTokens: works in batches, in order of creation, after a key': {
    'pruneTokens ignores limit': (storage) => ({
      pruneTokens: async (batch) => storage.pruneTokens({ ...batch, limit: 1000 })
    }),
    'pruneTokens ignores after': (storage) => ({
      pruneTokens: async ({ after, ...batch }) => storage.pruneTokens(batch)
    }),
    'the batch starts again after a deleted token': (storage) => ({
      pruneTokens: async ({ after, ...batch }) =>
        storage.pruneTokens(after !== undefined && await storage.findToken(after) ? { after, ...batch } : batch)
    }),
    'pruneTokens begins with the tokens that expire first': (storage) => ({
      pruneTokens: async ({ expiredBefore, after = '0', limit }) => {
        const expired = (await allTokens(storage))
          .filter(({ id, expires_at: expires }) => expires !== null && expires < expiredBefore && +id > +after)
          .sort((a, b) => a.expires_at! < b.expires_at! ? -1 : 1)
          .slice(0, limit)
        for (const { id } of expired) await storage.revokeToken(id)
        return { deleted: expired.length, last: expired.at(-1)?.id }
      }
    }),
    'pruneTokens looks at tokens that have not expired': (storage) => ({
      pruneTokens: async ({ expiredBefore, after, limit }) => {
        let deleted = 0
        const tokens = await storage.listTokens({ order: 'asc', after, limit })
        for (const { token: { id, expires_at: expires } } of tokens) {
          if (expires !== null && expires < expiredBefore && await storage.revokeToken(id) === true) deleted++
        }
        return { deleted, last: tokens.at(-1)?.token.id }
      }
    })
  },
  'pruneTokens: returns no last key when no such token is left': {
    'last is the key that the batch starts after': (storage) => ({
      pruneTokens: async (batch) => {
        const { deleted, last = batch.after } = await storage.pruneTokens(batch)
        return { deleted, last }
      }
    }),
    'last is empty': (storage) => ({
      pruneTokens: async (batch) => {
        const { deleted, last = '' } = await storage.pruneTokens(batch)
        return { deleted, last }
      }
    }),
    'last is absent when a batch is not full': (storage) => ({
      pruneTokens: async (batch) => {
        const { deleted, last } = await storage.pruneTokens(batch)
        return deleted < batch.limit ? { deleted } : { deleted, last }
      }
    })
  }
}
