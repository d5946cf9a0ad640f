import type { OpenStorage, TokenWithUser } from '../storage-adapter.js'

const maxEntries = 10_000

/**
 * Returns `storage` with a cache that keeps for `ttl` milliseconds each token that `findTokenByHash` has found.
 * A change through this storage takes effect at once. A change by another process takes effect after at most `ttl`.
 * The cache does not remember that a token is absent.
 */
export function withTokenCache (storage: OpenStorage, ttl: number): OpenStorage {
  // The first entry is the oldest, and expires first, because each entry lives equally long.
  const entries = new Map<string, { found: TokenWithUser, end: number }>()
  let changes = 0

  // A failed change also empties the cache, because the storage may have made the change. All entries are removed,
  // because changes are rare, and entries cannot be found by user.
  async function changing<T> (change: () => Promise<T>): Promise<T> {
    try {
      return await change()
    } finally {
      changes++
      entries.clear()
    }
  }

  return {
    findTokenByHash (hash) {
      const key = hash.toString('latin1')
      const now = performance.now()
      const entry = entries.get(key)
      if (entry !== undefined && now < entry.end) return copy(entry.found)

      const changesBefore = changes
      const remember = (found: TokenWithUser | undefined) => {
        entries.delete(key)
        // The look-up may have missed a change that was made during it.
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

    close: () => changing(() => storage.close()),
    updateUser: (id, changes, revision) => changing(() => storage.updateUser(id, changes, revision)),
    deleteUser: (id, revision) => changing(() => storage.deleteUser(id, revision)),
    rotateToken: (id, replace) => changing(() => storage.rotateToken(id, replace)),
    revokeToken: (id) => changing(() => storage.revokeToken(id)),
    revokeTokens: (userId) => changing(() => storage.revokeTokens(userId)),

    // These calls do not change a token in the cache. Only its `last_used_at` may be out of date.
    createUser: (user) => storage.createUser(user),
    findUser: (id) => storage.findUser(id),
    findUserByEmail: (email) => storage.findUserByEmail(email),
    listUsers: (page) => storage.listUsers(page),
    countUsers: (filter) => storage.countUsers(filter),
    createToken: (token) => storage.createToken(token),
    listTokens: (userId) => storage.listTokens(userId),
    touchTokens: (ids, lastUsedAt) => storage.touchTokens(ids, lastUsedAt)
  }
}

/** Returns a copy that a request may change. */
function copy ({ token, user }: TokenWithUser): TokenWithUser {
  return {
    token: token.scopes === null ? token : { ...token, scopes: [...token.scopes] },
    user: user.data === null ? user : { ...user, data: structuredClone(user.data) }
  }
}
