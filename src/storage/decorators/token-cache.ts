import type { Storage, StorageAdapter, TokenWithUser } from '../storage-adapter.js'

const maxEntries = 10_000

/**
 * Remembers the tokens that were found for `ttl` milliseconds. What this storage is told to change is forgotten at once; what others
 * change, such as other processes, goes unnoticed for as long. What was not found is never remembered.
 */
export function withTokenCache<S extends Storage & Pick<StorageAdapter, 'close'>> (storage: S, ttl: number): S {
  // In order of age, for each is kept as long as the others.
  const entries = new Map<string, { found: TokenWithUser, end: number }>()
  let changes = 0

  /** All of it: changes are few beside checks, and whose token an entry is would have to be looked up. */
  function forgetAll () {
    changes++
    entries.clear()
  }

  function changing<P extends unknown[], T> (change: (...parameters: P) => Promise<T>) {
    return async (...parameters: P): Promise<T> => {
      try {
        return await change(...parameters)
      } finally {
        // Also when it has failed: nobody knows what it has done.
        forgetAll()
      }
    }
  }

  return {
    ...storage,

    findTokenByHash (hash) {
      const key = hash.toString('latin1')
      const now = performance.now()
      const entry = entries.get(key)
      if (entry !== undefined && now < entry.end) return copy(entry.found)

      const changesBefore = changes
      const remember = (found: TokenWithUser | undefined) => {
        entries.delete(key)
        // What changed meanwhile may have come too late for it.
        if (found === undefined || changes !== changesBefore) return found
        for (const [oldest, { end }] of entries) {
          if (now < end && entries.size < maxEntries) break
          entries.delete(oldest)
        }
        entries.set(key, { found, end: now + ttl })
        return copy(found)
      }
      const finding = storage.findTokenByHash(hash)
      return finding instanceof Promise ? finding.then(remember) : remember(finding)
    },

    updateUser: changing(storage.updateUser),
    deleteUser: changing(storage.deleteUser),
    rotateToken: changing(storage.rotateToken),
    revokeToken: changing(storage.revokeToken),
    revokeTokens: changing(storage.revokeTokens),
    close: changing(storage.close)
  }
}

/** For a request to do with as it likes. */
function copy ({ token, user }: TokenWithUser): TokenWithUser {
  return {
    token: token.scopes === null ? token : { ...token, scopes: [...token.scopes] },
    user: user.data === null ? user : { ...user, data: structuredClone(user.data) }
  }
}
