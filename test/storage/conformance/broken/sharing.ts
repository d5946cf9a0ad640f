import { setImmediate } from 'node:timers/promises'
import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { StorageAdapter, TokenRecord, TokenWithUser, UserRecord } from '../../../../src/index.js'
import { leavingOrphans, replacing, type Breaking, type ByCase } from './breaking.js'

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
  'sharing: createToken leaves no token when another process deletes the user': {
    'createToken looks the user up before it creates the token': () => pairOf(leavingOrphans(new Map()))()
  }
}
