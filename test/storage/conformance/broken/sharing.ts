import { setImmediate } from 'node:timers/promises'
import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { StorageAdapter, TokenRecord, TokenWithUser, UserRecord } from '../../../../src/index.js'
import { listingLate, pruningAuditLate, renumbering, revokingLate } from './audit-breaking.js'
import { leavingOrphans, replacing, type AnyMethod, type Breaking, type ByCase } from './breaking.js'
import { importingUsersLate, keepingOrphans } from './imports.js'
import { findingSuccessorLate, pruningLate, rotatingLate, updatingLate } from './token-races.js'

type Pair = [StorageAdapter, StorageAdapter]

/** Returns a function that creates two storages over one memory, both broken by `breakIt`. */
export function pairOf (breakIt: Breaking = () => ({})): () => Pair {
  return () => {
    const storage = new MemoryStorage()
    return [replacing(storage, breakIt(storage)), replacing(storage, breakIt(storage))]
  }
}

/** Creates a lock that one process has for itself. */
function oneAtATime () {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(call: () => Promise<T>): Promise<T> => {
    const result = last.then(call)
    last = result.catch(() => {})
    return result
  }
}

/** Makes the methods of `breakIt` run one after the other in each process. */
const locked = (breakIt: Breaking): Breaking => (storage) => {
  const alone = oneAtATime()
  return Object.fromEntries(Object.entries(breakIt(storage)).map(([name, method]) =>
    [name, (...parameters: never[]) => alone(async () => (method as AnyMethod)(...parameters))]))
}

/** Answers every tenth look-up of a token by `answer`, which gets the current record and the one found first. */
function oneLookUpInTen (
  answer: (found: TokenWithUser | undefined, copy: TokenWithUser | undefined) => TokenWithUser | undefined
): Breaking {
  return (storage) => {
    const copies = new Map<string, TokenWithUser>()
    let lookUps = 0
    return {
      findTokenByHash: async (hash) => {
        const key = hash.toString('hex')
        const found = await storage.findTokenByHash(hash)
        const copy = copies.get(key)
        if (found && !copy) copies.set(key, found)
        return ++lookUps % 10 === 0 ? answer(found, copy) : found
      }
    }
  }
}

/** Storages over the same data that miss each other's changes. */
export const sharing: ByCase<() => Pair> = {
  'sharing: dataVersion differs after each change': {
    'the version is constant': pairOf(() => ({ dataVersion: () => 1 })),
    'changes of this process do not count': () => {
      const storage = new MemoryStorage()
      const versions = [0, 0]
      const versioned = (own: number): StorageAdapter => {
        const { updateUser, updateToken, deleteUser, rotateToken, revokeToken, revokeTokens } = storage
        const changes = { updateUser, updateToken, deleteUser, rotateToken, revokeToken, revokeTokens }
        const counted = Object.entries(changes).map(([name, change]) => [name, (...parameters: never[]) => {
          versions[1 - own]!++
          return (change as AnyMethod).apply(storage, parameters)
        }])
        return replacing(storage, { ...Object.fromEntries(counted), dataVersion: () => versions[own] })
      }
      return [versioned(0), versioned(1)]
    },
    'the version is never known': pairOf(() => ({ dataVersion: () => undefined })),
    'each call has a version of its own': pairOf(() => {
      let calls = 0
      return { dataVersion: () => calls++ }
    })
  },
  'sharing: each process finds at once what another has written': {
    'each process has a cache': pairOf((storage) => {
      const cache = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
      return {
        findTokenByHash: async (hash) => {
          const key = hash.toString('hex')
          if (!cache.has(key)) cache.set(key, await storage.findTokenByHash(hash))
          return cache.get(key)
        }
      }
    }),
    'each process has a cache of counts': pairOf((storage) => {
      let count: number | undefined
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          count = await storage.countTokens()
          return created
        },
        countTokens: async () => count === undefined ? storage.countTokens() : 0
      }
    })
  },
  'sharing: findTokenByHash is current after each of 480 changes elsewhere': {
    'one look-up in ten misses a new token': pairOf(oneLookUpInTen(() => undefined)),
    'one look-up in ten finds a token after its end': pairOf(oneLookUpInTen((_found, copy) => copy)),
    'one look-up in ten returns the user as it was before': pairOf(
      oneLookUpInTen((found, copy) => found && copy && { ...found, user: copy.user })
    ),
    'one look-up in ten returns the expiry as it was before': pairOf(
      oneLookUpInTen((found, copy) => found && copy && { ...found, token: copy.token })
    )
  },
  'sharing: a write after close throws, or another process finds it done': {
    'revokeToken after close hides the token in its own process only': pairOf((storage) => {
      let closed = false
      const hidden = new Set<string>()
      return {
        close: async () => {
          closed = true
        },
        revokeToken: async (id) => (closed ? Boolean(hidden.add(id)) : storage.revokeToken(id)),
        findTokenByHash: async (hash) => {
          const found = await storage.findTokenByHash(hash)
          return found && !hidden.has(found.token.id) ? found : undefined
        }
      }
    })
  },
  'sharing: records remain after a restart': {
    'a restart loses all records': () => [new MemoryStorage(), new MemoryStorage()]
  },
  'sharing: createUser creates one user when two processes use one address': {
    'a lock of one process guards createUser': pairOf((storage) => {
      const alone = oneAtATime()
      return {
        createUser: (user) =>
          alone(async () => {
            const taken = await storage.findUserByEmail(user.email)
            await setImmediate()
            if (taken) return 'taken' as const
            const record = await storage.createUser(user)
            return record === 'taken' ? ((await storage.findUserByEmail(user.email)) as UserRecord) : record
          })
      }
    })
  },
  'sharing: updateUser succeeds once when two processes have one revision': {
    'a lock of one process guards updateUser': pairOf((storage) => {
      const alone = oneAtATime()
      return {
        updateUser: (id, changes, revision) =>
          alone(async () => {
            const user = await storage.findUser(id)
            await setImmediate()
            return user === undefined || (revision !== undefined && user.revision !== revision)
              ? ('absent' as const)
              : storage.updateUser(id, changes)
          })
      }
    })
  },
  'sharing: one change succeeds when two processes update and delete a user': {
    'a lock of one process guards both methods': pairOf((storage) => {
      const alone = oneAtATime()
      const isCurrent = async (id: string, revision?: number) => {
        const user = await storage.findUser(id)
        await setImmediate()
        return user?.revision === revision
      }
      return {
        updateUser: (id, changes, revision) =>
          alone(async () => (await isCurrent(id, revision)) ? storage.updateUser(id, changes) : 'absent'),
        deleteUser: (id, revision) => alone(async () => (await isCurrent(id, revision)) && storage.deleteUser(id))
      }
    })
  },
  'sharing: rotateToken creates one successor when two processes call it': {
    'a lock of one process guards rotateToken': pairOf((storage) => {
      const alone = oneAtATime()
      return {
        rotateToken: (id, replace) =>
          alone(async () => {
            let old: TokenRecord | undefined
            await storage.rotateToken(id, (token) => {
              old = token
              return 'rejected'
            })
            await setImmediate()
            const replacement = old && replace(old)
            if (replacement === undefined) return 'absent' as const
            if (replacement === 'rejected') return replacement
            await storage.revokeToken(id)
            return storage.createToken(replacement.successor)
          })
      }
    })
  },
  'sharing: rotateToken passes a successor that another process has created': {
    'each process knows its own rotations only': pairOf((storage) => {
      const own = new Map<string, string>()
      return {
        rotateToken: async (id, replace) => {
          const created = await storage.rotateToken(id, (old, successor) =>
            replace(old, successor?.id === own.get(id) ? successor : undefined))
          if (typeof created === 'object') own.set(id, created.id)
          return created
        }
      }
    })
  },
  'sharing: updateToken loses no change when two processes call it': {
    'a lock of one process guards updateToken': pairOf(locked(updatingLate))
  },
  'sharing: updateToken and rotateToken run one after the other': {
    'a lock of one process guards both methods': pairOf(
      locked((storage) => ({ ...updatingLate(storage), ...rotatingLate(storage) }))
    )
  },
  'sharing: rotateToken passes a successor to 9 of 10 calls of two processes': {
    'a lock of one process guards rotateToken': pairOf(locked(findingSuccessorLate))
  },
  'sharing: pruneTokens counts each token once when two processes call it': {
    'a lock of one process guards pruneTokens': pairOf(locked(pruningLate))
  },
  'sharing: the audit trail has the changes of both processes in one order': {
    'each process lists the entries of its own changes': pairOf((storage) => {
      const own = new Set<string | null>()
      return {
        updateUser: async (id, changes, revision, entry) => {
          own.add(entry?.request_id ?? null)
          return storage.updateUser(id, changes, revision, entry)
        },
        listAudit: async (page) => (await storage.listAudit(page)).filter((entry) => own.has(entry.request_id))
      }
    })
  },
  'sharing: a reader gets one entry for each change of two processes': {
    'an entry appears after later ones': pairOf(listingLate)
  },
  'sharing: calls of two processes write one entry when one of them succeeds': {
    'a lock of one process guards revokeToken': pairOf(locked(revokingLate))
  },
  'sharing: pruneAudit counts each entry once when two processes call it': {
    'a lock of one process guards pruneAudit': pairOf(locked(pruningAuditLate))
  },
  'sharing: the audit trail remains after a restart, and reuses no key': {
    'a restart loses the trail': () => [new MemoryStorage(), new MemoryStorage()],
    'keys are positions in the trail': pairOf(renumbering)
  },
  'sharing: two processes import the same records, and each is created once': {
    'a lock of one process guards importUsers': pairOf(locked(importingUsersLate))
  },
  'sharing: importTokens leaves no token when another process deletes its user': {
    'importTokens keeps the tokens of a deleted user': () => pairOf(keepingOrphans(new MemoryStorage()))()
  },
  'sharing: another process finds what an import has created': {
    'each process lists the hashes of its own imports': pairOf((storage) => {
      const own = new Set<string>()
      return {
        importTokens: async (batch, entry) => {
          for (const { hash } of batch.records) own.add(hash.toString('hex'))
          return storage.importTokens(batch, entry)
        },
        listHashedTokens: async (page) =>
          (await storage.listHashedTokens(page)).filter(({ hash }) => own.has(hash.toString('hex')))
      }
    }),
    'a restart loses all records': () => [new MemoryStorage(), new MemoryStorage()]
  },
  'sharing: createToken leaves no token when another process deletes the user': {
    'createToken looks the user up before it creates the token': () => pairOf(leavingOrphans(new Map()))()
  }
}
