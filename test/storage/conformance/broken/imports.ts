import { setImmediate } from 'node:timers/promises'
import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { ImportBatch, TokenToImport, UserToImport } from '../../../../src/index.js'
import type { Breaking, BrokenByCase } from './breaking.js'

/** Breaks both imports: they get the batch that `change` returns. */
const batches = (change: <R extends UserToImport | TokenToImport>(batch: ImportBatch<R>) => ImportBatch<R>): Breaking =>
  (storage) => ({
    importUsers: (batch, entry) => storage.importUsers(change(batch), entry),
    importTokens: (batch, entry) => storage.importTokens(change(batch), entry)
  })

/** Breaks `importUsers`: it imports other records. */
const users = (change: (user: UserToImport) => UserToImport): Breaking => (storage) => ({
  importUsers: ({ records, dryRun }, entry) => storage.importUsers({ records: records.map(change), dryRun }, entry)
})

/** Breaks `importTokens`: it imports other records. */
const tokens = (change: (token: TokenToImport) => TokenToImport): Breaking => (storage) => ({
  importTokens: ({ records, dryRun }, entry) => storage.importTokens({ records: records.map(change), dryRun }, entry)
})

/** Breaks `importUsers`: another call may run between the look-up and the creation. */
export const importingUsersLate: Breaking = (storage) => ({
  importUsers: async ({ records, dryRun }, entry) => {
    const found = await storage.importUsers({ records, dryRun: true })
    await setImmediate()
    if (dryRun) return found
    return Promise.all(records.map(async (record, n) => {
      if (found[n] !== 'new') return found[n] as 'rejected'
      const { disabled, ...user } = record
      const created = await storage.createUser(user, entry)
      return created === 'taken' ? 'rejected' : { user: created, created: true }
    }))
  }
})

/** Returns the outcome that says that a user was created. */
function created ({ records }: ImportBatch<UserToImport>, n: number) {
  const { id = '9', ...user } = records[n] as UserToImport
  return { user: { ...user, id, revision: 0 }, created: true }
}

/** Breaks `importTokens`: tokens of a deleted user can be found. `orphans` has a copy of all tokens. */
export const keepingOrphans = (orphans: MemoryStorage): Breaking => (storage) => ({
  importTokens: async (batch, entry) => {
    await orphans.importUsers({
      records: batch.records.map(({ user_id: id }) => (
        { id, email: `${id}@x`, name: null, max_concurrent_bots: 0, data: null, disabled: false, created_at: '' }
      )),
      dryRun: false
    })
    await orphans.importTokens(batch)
    return storage.importTokens(batch, entry)
  },
  findTokenByHash: (hash) => orphans.findTokenByHash(hash)
})

export const imports: BrokenByCase = {
  'importUsers: creates each user with its members, and returns them in order': {
    'importUsers ignores `disabled`': users((user) => ({ ...user, disabled: false })),
    'importUsers changes the time of creation': users((user) => ({ ...user, created_at: '2024-01-01T12:00:00.000Z' })),
    'importUsers returns the outcomes in reverse': (storage) => ({
      importUsers: async (batch, entry) => (await storage.importUsers(batch, entry)).reverse()
    }),
    'importUsers imports at most 100 users': (storage) => ({
      importUsers: ({ records, dryRun }) => storage.importUsers({ records: records.slice(0, 100), dryRun })
    })
  },
  'importUsers: returns a stored user unchanged, in the place of its record': {
    'importUsers overwrites a stored user': (storage) => ({
      importUsers: async (batch, entry) => {
        const outcomes = await storage.importUsers(batch, entry)
        for (const [n, outcome] of outcomes.entries()) {
          if (typeof outcome === 'string' || outcome.created) continue
          outcome.user = await storage.updateUser(outcome.user.id, { name: batch.records[n]?.name }) as never
        }
        return outcomes
      }
    }),
    'importUsers returns the new users first': (storage) => ({
      importUsers: async (batch, entry) => (await storage.importUsers(batch, entry)).sort((one, other) =>
        Number((other as { created: boolean }).created) - Number((one as { created: boolean }).created))
    }),
    'importUsers says that it has created each user': (storage) => ({
      importUsers: async (batch, entry) => (await storage.importUsers(batch, entry)).map((outcome) =>
        typeof outcome === 'string' ? outcome : { ...outcome, created: true })
    })
  },
  'importUsers: keeps a given key or rejects it, and rejects the key of a user': {
    'importUsers ignores the key': users(({ id, ...user }) => user),
    'importUsers gives a taken key again': (storage) => ({
      importUsers: async (batch, entry) => {
        const outcomes = await storage.importUsers(batch, entry)
        return outcomes.map((outcome, n) => outcome === 'rejected' ? created(batch, n) : outcome)
      }
    }),
    'createUser uses a key that an import has given': (storage) => {
      const given: string[] = []
      return {
        importUsers: async (batch, entry) => {
          const outcomes = await storage.importUsers(batch, entry)
          given.push(...outcomes.flatMap((outcome) => typeof outcome === 'object' ? [outcome.user.id] : []))
          return outcomes
        },
        createUser: async (user, entry) => {
          const created = await storage.createUser(user, entry)
          return created === 'taken' ? created : { ...created, id: given.pop() ?? created.id }
        }
      }
    }
  },
  'importTokens: creates each token with its members, and returns them in order': {
    'importTokens drops the last use': tokens((token) => ({ ...token, last_used_at: null })),
    'importTokens drops the lifetime': tokens((token) => ({ ...token, expires_in: null })),
    'importTokens gives no scopes as all scopes': tokens((token) => ({ ...token, scopes: null })),
    'importTokens enables each token': tokens((token) => ({ ...token, disabled: false })),
    'importTokens returns the outcomes in reverse': (storage) => ({
      importTokens: async (batch, entry) => (await storage.importTokens(batch, entry)).reverse()
    })
  },
  'importTokens: returns a stored token unchanged, even if another user has it': {
    'importTokens moves a stored token to the user of the line': (storage) => ({
      importTokens: async (batch, entry) => {
        for (const { hash } of batch.records) {
          const found = await storage.findTokenByHash(hash)
          if (found) await storage.revokeToken(found.token.id)
        }
        return storage.importTokens(batch, entry)
      }
    }),
    'importTokens looks the user up first': (storage) => ({
      importTokens: async (batch, entry) => {
        const outcomes = await storage.importTokens(batch, entry)
        return Promise.all(outcomes.map(async (outcome, n) =>
          await storage.findUser(batch.records[n]?.user_id as string) === undefined ? 'absent' : outcome))
      }
    })
  },
  "importTokens: returns 'absent' for an absent user, and creates the others": {
    'importTokens creates nothing if a user is absent': (storage) => ({
      importTokens: async (batch, entry) => {
        const outcomes = await storage.importTokens({ ...batch, dryRun: true })
        return outcomes.includes('absent') ? outcomes.map(() => 'absent' as const) : storage.importTokens(batch, entry)
      }
    }),
    'importTokens rejects the token of an absent user': (storage) => ({
      importTokens: async (batch, entry) => (await storage.importTokens(batch, entry)).map((outcome) =>
        outcome === 'absent' ? 'rejected' : outcome)
    })
  },
  'importTokens: keeps a given key or rejects it, and rejects the key of a token': {
    'importTokens ignores the key': tokens(({ id, ...token }) => token),
    'createToken uses a key that an import has given': (storage) => {
      const given: string[] = []
      return {
        importTokens: async (batch, entry) => {
          const outcomes = await storage.importTokens(batch, entry)
          given.push(...outcomes.flatMap((outcome) => typeof outcome === 'object' ? [outcome.token.id] : []))
          return outcomes
        },
        createToken: async (token, entry) => {
          const created = await storage.createToken(token, entry)
          return created === 'absent' ? created : { ...created, id: given.pop() ?? created.id }
        }
      }
    }
  },
  "import: with `dryRun`, changes nothing and returns 'new' for new records": {
    'an import ignores `dryRun`': batches(({ records }) => ({ records, dryRun: false })),
    'importUsers returns new users': (storage) => ({
      importUsers: async (batch, entry) => (await storage.importUsers(batch, entry)).map((outcome, n) =>
        outcome === 'new' ? created(batch, n) : outcome)
    }),
    'importTokens does not look for the user': (storage) => ({
      importTokens: async (batch, entry) => (await storage.importTokens(batch, entry)).map((outcome) =>
        outcome === 'absent' && batch.dryRun ? 'new' : outcome)
    })
  },
  'import: each created record has an entry, and no other record has one': {
    'importUsers writes no entry': (storage) => ({ importUsers: (batch) => storage.importUsers(batch) }),
    'importTokens writes no entry': (storage) => ({ importTokens: (batch) => storage.importTokens(batch) }),
    'importUsers writes one entry for a batch': (storage) => ({
      importUsers: async ({ records, dryRun }, entry) => {
        const first = await storage.importUsers({ records: records.slice(0, 1), dryRun }, entry)
        return [...first, ...await storage.importUsers({ records: records.slice(1), dryRun })]
      }
    }),
    'importUsers writes an entry for a stored user': (storage) => ({
      importUsers: async (batch, entry) => {
        const outcomes = await storage.importUsers(batch, entry)
        for (const outcome of outcomes) {
          if (typeof outcome === 'string' || outcome.created) continue
          await storage.updateUser(outcome.user.id, {}, undefined, entry)
        }
        return outcomes
      }
    })
  },
  'listHashedTokens: returns tokens and hashes by user, in pages': {
    'listHashedTokens ignores `limit`': (storage) => ({
      listHashedTokens: (page) => storage.listHashedTokens({ ...page, limit: 1000 })
    }),
    'listHashedTokens ignores `after`': (storage) => ({
      listHashedTokens: ({ after, ...page }) => storage.listHashedTokens(page)
    }),
    'listHashedTokens applies `after` to each user': (storage) => ({
      listHashedTokens: async ({ after = '0', limit, userIds }) => {
        const all = await storage.listHashedTokens({ userIds, limit: 1000 })
        return all.filter(({ token }) => Number(token.id) > Number(after)).slice(0, limit)
      }
    }),
    'listHashedTokens returns tokens in order of creation': (storage) => ({
      listHashedTokens: async ({ limit, ...page }) => {
        const all = await storage.listHashedTokens({ ...page, limit: 1000 })
        return all.sort((one, other) => Number(one.token.id) - Number(other.token.id)).slice(0, limit)
      }
    }),
    'listHashedTokens starts after the place of a token': (storage) => ({
      listHashedTokens: async ({ after, limit, userIds }) => {
        const all = await storage.listHashedTokens({ userIds, limit: 1000 })
        const index = all.findIndex(({ token }) => token.id === after)
        return all.slice(index + 1).slice(0, limit)
      }
    }),
    'listHashedTokens cuts hashes at 16 bytes': (storage) => ({
      listHashedTokens: async (page) => (await storage.listHashedTokens(page)).map(({ token, hash }) =>
        ({ token, hash: hash.subarray(0, 16) }))
    })
  },
  'import: creates each record once when 4 calls import the same records': {
    'importUsers looks users up before it creates them': importingUsersLate,
    'importTokens says that it has created each token': (storage) => ({
      importTokens: async (batch, entry) => (await storage.importTokens(batch, entry)).map((outcome) =>
        typeof outcome === 'string' ? outcome : { ...outcome, created: true })
    })
  },
  'importTokens: leaves no token when its user is deleted at the same time': {
    'importTokens rejects the whole batch if a user is deleted': (storage) => ({
      importTokens: async (batch, entry) => {
        await setImmediate()
        const outcomes = await storage.importTokens(batch, entry)
        if (!outcomes.includes('absent')) return outcomes
        for (const outcome of outcomes) if (typeof outcome === 'object') await storage.revokeToken(outcome.token.id)
        return outcomes.map(() => 'absent' as const)
      }
    }),
    'importTokens keeps the tokens of a deleted user': (storage) => keepingOrphans(new MemoryStorage())(storage)
  }
}
