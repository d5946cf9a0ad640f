import type { OpenStorage, TokenWithUser, VersionedStorageAdapter } from '../storage-adapter.js'

const maxEntries = 10_000
// In characters. Each takes one or two bytes, so this is at most 64 MiB.
const maxDataLength = 32 * 1024 * 1024

/**
 * A token in the cache, and its user. The `data` of both is kept as JSON, because the length of JSON is known. Each
 * read needs a copy, and parsing JSON takes half as long as `structuredClone`.
 */
interface Entry {
  found: TokenWithUser
  tokenData: string | null
  userData: string | null
  /** Number of characters of the JSON. */
  length: number
  end: number
}

/** Returns the version of the stored data, or `undefined` if the version is not known now. */
export type DataVersion = VersionedStorageAdapter['dataVersion']

/**
 * Returns `storage` with a cache that keeps each token that `findTokenByHash` has found, for `ttl` milliseconds. The
 * cache keeps at most 10,000 tokens, and at most 64 MiB of `data`. If the cache is full, it drops the oldest tokens. A
 * change through this storage takes effect at once. The cache does not remember that a token is absent.
 *
 * With `dataVersion`, the cache drops all tokens when the version changes. A change by another process then also takes
 * effect at once. While the version is `undefined`, each look-up asks the storage. Without `dataVersion`, a change by
 * another process takes effect after at most `ttl` milliseconds.
 */
export function withTokenCache (
  storage: OpenStorage, ttl: number, dataVersion: DataVersion = () => 0
): OpenStorage {
  // The first entry is the oldest. It also expires first, because all entries stay equally long.
  const entries = new Map<string, Entry>()
  let dataLength = 0
  let changes = 0
  // All entries are of this version.
  let version: number | undefined

  function drop (key: string): void {
    dataLength -= entries.get(key)?.length ?? 0
    entries.delete(key)
  }

  function clear (): void {
    entries.clear()
    dataLength = 0
  }

  // A failed change also empties the cache, because the storage may have made the change. Each change removes all
  // entries, because changes are rare, and the cache cannot find the entries of a user.
  async function changing<T> (change: () => Promise<T>): Promise<T> {
    try {
      return await change()
    } finally {
      changes++
      clear()
    }
  }

  return {
    findTokenByHash (hash) {
      const key = hash.toString('latin1')
      const now = performance.now()
      const versionBefore = dataVersion()
      if (versionBefore !== undefined) {
        if (versionBefore !== version) {
          clear()
          version = versionBefore
        }
        const cached = entries.get(key)
        if (cached !== undefined && now < cached.end) return read(cached)
      }

      const changesBefore = changes
      const remember = (found: TokenWithUser | undefined) => {
        if (versionBefore === undefined) return found
        drop(key)
        // The storage may have read the record before a change that ended during the look-up. Such a record is not
        // cached.
        if (found === undefined || changes !== changesBefore || version !== versionBefore) return found
        const added = toEntry(found, now + ttl)
        for (const [oldest, { end }] of entries) {
          if (now < end && entries.size < maxEntries && dataLength + added.length <= maxDataLength) break
          drop(oldest)
        }
        entries.set(key, added)
        dataLength += added.length
        return read(added)
      }
      const finding = storage.findTokenByHash(hash)
      return finding instanceof Promise ? finding.then(remember) : remember(finding)
    },

    close: () => changing(() => storage.close()),
    updateUser: (id, changes, revision, entry) => changing(() => storage.updateUser(id, changes, revision, entry)),
    deleteUser: (id, revision, entry) => changing(() => storage.deleteUser(id, revision, entry)),
    updateToken: (id, change, entry) => changing(() => storage.updateToken(id, change, entry)),
    rotateToken: (id, replace, entry) => changing(() => storage.rotateToken(id, replace, entry)),
    revokeToken: (id, entry) => changing(() => storage.revokeToken(id, entry)),
    revokeTokens: (userId, entry) => changing(() => storage.revokeTokens(userId, entry)),
    pruneTokens: (batch) => changing(() => storage.pruneTokens(batch)),

    // These methods leave the cache as it is. After them, only the `last_used_at` of a cached token may be out of date.
    createUser: (user, entry) => storage.createUser(user, entry),
    findUser: (id) => storage.findUser(id),
    findUserByEmail: (email) => storage.findUserByEmail(email),
    listUsers: (page) => storage.listUsers(page),
    countUsers: (filter) => storage.countUsers(filter),
    createToken: (token, entry) => storage.createToken(token, entry),
    findToken: (id) => storage.findToken(id),
    listTokens: (page) => storage.listTokens(page),
    countTokens: (filter) => storage.countTokens(filter),
    touchTokens: (ids, lastUsedAt) => storage.touchTokens(ids, lastUsedAt)
  }
}

function toEntry (found: TokenWithUser, end: number): Entry {
  const { token, user } = found
  const tokenData = token.data === null ? null : JSON.stringify(token.data)
  const userData = user.data === null ? null : JSON.stringify(user.data)
  return {
    found: { token: { ...token, data: null }, user: { ...user, data: null } },
    tokenData,
    userData,
    length: (tokenData?.length ?? 0) + (userData?.length ?? 0),
    end
  }
}

/** Returns the records of an entry, with copies of `scopes` and `data`, so that a request may change these. */
function read ({ found: { token, user }, tokenData, userData }: Entry): TokenWithUser {
  const { scopes } = token
  return {
    token: scopes === null && tokenData === null
      ? token
      : { ...token, scopes: scopes && [...scopes], data: tokenData === null ? null : JSON.parse(tokenData) },
    user: userData === null ? user : { ...user, data: JSON.parse(userData) }
  }
}
