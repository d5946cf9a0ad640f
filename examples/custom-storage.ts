// A storage of your own, which keeps users, tokens and the audit trail in the memory of one process.
// custom-storage.test.ts tests this storage with the conformance suite.
import type {
  AuditedStorageAdapter, AuditFilter, AuditPage, AuditPruneBatch, AuditRecord, HashedTokenPage, ImportBatch,
  ImportedToken, ImportedUser, NewAuditRecord, NewTokenRecord, NewUserRecord, PortableStorageAdapter, PruneBatch,
  TokenChanges, TokenFilter, TokenPage, TokenRecord, TokenReplacement, TokenToImport, UserChanges, UserFilter,
  UserPage, UserRecord, UserToImport
} from 'fastify-vexa-admin'

interface StoredToken extends TokenRecord {
  hash: string
  /** Key of the token that the latest rotation of this token created. */
  successor?: string
}

// No method here waits for a server or a disk, so two calls never overlap. If your methods wait, protect them against
// races by transactions, conditional writes or unique keys of your database. A change and its entry in the audit trail
// need a transaction, too. A storage without an audit trail implements StorageAdapter, and its methods get no `entry`.
// A storage that cannot import and export leaves out the methods of PortableStorageAdapter.
export class MemoryStorage implements AuditedStorageAdapter, PortableStorageAdapter {
  #users: UserRecord[] = []
  #tokens: StoredToken[] = []
  #trail: AuditRecord[] = []
  #lastKey = 0

  async open () {}
  async close () {}

  async createUser (user: NewUserRecord, entry?: NewAuditRecord) {
    if (this.#users.some(({ email }) => email === user.email)) return 'taken'
    const record = { ...copy(user), id: String(++this.#lastKey), disabled: false, revision: 0 }
    this.#users.push(record)
    this.#audit(entry, record.id)
    return copy(record)
  }

  async findUser (id: string) { return copy(this.#users.find((user) => user.id === id)) }

  async findUserByEmail (email: string) { return copy(this.#users.find((user) => user.email === email)) }

  async listUsers ({ order, after, skip, limit, ...filter }: UserPage) {
    return copy(inOrder(this.#matching(filter), order, after).slice(skip, skip + limit))
  }

  async countUsers (filter?: UserFilter) { return this.#matching(filter).length }

  async updateUser (id: string, changes: UserChanges, revision?: number, entry?: NewAuditRecord) {
    const user = this.#users.find((user) => isCurrent(user, id, revision))
    if (user === undefined) return 'absent'
    if (this.#users.some(({ email }) => email === changes.email && email !== user.email)) return 'taken'
    this.#audit(entry, id)
    return copy(Object.assign(user, given(changes), { revision: user.revision + 1 }))
  }

  async deleteUser (id: string, revision?: number, entry?: NewAuditRecord) {
    if (!remove(this.#users, (user) => isCurrent(user, id, revision))) return false
    remove(this.#tokens, (token) => token.user_id === id)
    this.#audit(entry, id)
    return true
  }

  async createToken (token: NewTokenRecord, entry?: NewAuditRecord) {
    if (!this.#users.some(({ id }) => id === token.user_id)) return 'absent'
    const created = this.#createToken(token)
    this.#audit(entry, token.user_id, created.id)
    return toRecord(created)
  }

  async findTokenByHash (hash: Buffer) {
    const token = this.#tokens.find((token) => token.hash === hash.toString('hex'))
    return token && { token: toRecord(token), user: copy(this.#userOf(token)) }
  }

  async findToken (id: string) {
    const token = this.#token(id)
    return token && this.#listed(token)
  }

  async listTokens (page: TokenPage) { return this.#pageOf(page).map((token) => this.#listed(token)) }

  async countTokens (filter: TokenFilter = {}) {
    return this.#tokens.filter((token) => matches(token, filter)).length
  }

  async updateToken (
    id: string, change: (current: TokenRecord) => TokenChanges | 'rejected', entry?: NewAuditRecord
  ) {
    const token = this.#token(id)
    if (token === undefined) return 'absent'
    const changes = change(toRecord(token))
    if (changes === 'rejected') return changes
    this.#audit(entry, token.user_id, id)
    return toRecord(Object.assign(token, given(changes)))
  }

  async rotateToken (
    id: string, replace: (old: TokenRecord, successor?: TokenRecord) => TokenReplacement | 'rejected',
    entry?: NewAuditRecord
  ) {
    const old = this.#token(id)
    if (old === undefined) return 'absent'
    const successor = this.#token(old.successor)
    const replacement = replace(toRecord(old), successor && toRecord(successor))
    if (replacement === 'rejected') return replacement
    const created = this.#createToken(replacement.successor)
    if (replacement.expires_at === null) remove(this.#tokens, (token) => token.id === id)
    else Object.assign(old, { expires_at: replacement.expires_at, successor: created.id })
    this.#audit(entry, old.user_id, id, created.id)
    return toRecord(created)
  }

  async revokeToken (id: string, entry?: NewAuditRecord) {
    const token = this.#token(id)
    if (token) this.#audit(entry, token.user_id, id)
    return remove(this.#tokens, (token) => token.id === id)
  }

  async revokeTokens (userId: string, entry?: NewAuditRecord) {
    if (remove(this.#tokens, (token) => token.user_id === userId)) this.#audit(entry, userId)
  }

  async pruneTokens ({ expiredBefore, ...batch }: PruneBatch) {
    const expired = this.#pageOf({ order: 'asc', expiresBefore: expiredBefore, ...batch })
    remove(this.#tokens, (token) => expired.includes(token))
    return { deleted: expired.length, last: expired.at(-1)?.id }
  }

  async touchTokens (ids: readonly string[], lastUsedAt: string) {
    for (const token of this.#tokens) {
      if (ids.includes(token.id) && (token.last_used_at ?? '') < lastUsedAt) token.last_used_at = lastUsedAt
    }
  }

  async listAudit ({ order, after, limit, ...filter }: AuditPage) {
    return copy(inOrder(this.#trail.filter((entry) => selects(filter, entry)), order, after).slice(0, limit))
  }

  async pruneAudit ({ before, now, after, limit }: AuditPruneBatch) {
    const batch = inOrder(this.#trail, 'asc', after).slice(0, limit)
    const end = batch.findIndex(({ at }) => at >= before && at <= now)
    const old = batch.filter(({ at }, n) => at < before && (end < 0 || n < end))
    remove(this.#trail, (entry) => old.includes(entry))
    return { deleted: old.length, last: end < 0 ? batch.at(-1)?.id : undefined }
  }

  async importUsers (
    { records, dryRun }: ImportBatch<UserToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedUser | 'rejected' | 'new'>> {
    return records.map((user) => {
      const stored = this.#users.find(({ email }) => email === user.email)
      if (stored) return { user: copy(stored), created: false }
      if (!canKeep(user.id, this.#users)) return 'rejected'
      if (dryRun) return 'new'
      const record = { ...copy(user), id: this.#keep(user.id), revision: 0 }
      this.#users.push(record)
      this.#users.sort(byKey)
      this.#audit(entry, record.id)
      return { user: copy(record), created: true }
    })
  }

  async importTokens (
    { records, dryRun }: ImportBatch<TokenToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedToken | 'absent' | 'rejected' | 'new'>> {
    return records.map((token) => {
      const hash = token.hash.toString('hex')
      const stored = this.#tokens.find((token) => token.hash === hash)
      if (stored) return { token: toRecord(stored), created: false }
      if (!canKeep(token.id, this.#tokens)) return 'rejected'
      if (!this.#users.some(({ id }) => id === token.user_id)) return 'absent'
      if (dryRun) return 'new'
      const record = { ...copy(token), hash, id: this.#keep(token.id) }
      this.#tokens.push(record)
      this.#tokens.sort(byKey)
      this.#audit(entry, record.user_id, record.id)
      return { token: toRecord(record), created: true }
    })
  }

  async listHashedTokens ({ userIds, after = '0', limit }: HashedTokenPage) {
    const isRest = ({ id, user_id: userId }: TokenRecord) => userId !== userIds[0] || Number(id) > Number(after)
    return userIds.flatMap((id) => this.#tokens.filter((token) => token.user_id === id && isRest(token)))
      .slice(0, limit)
      .map((token) => ({ token: toRecord(token), hash: Buffer.from(token.hash, 'hex') }))
  }

  /** Returns the given key, or a new key if none is given. Later keys are larger than the returned key. */
  #keep (id = String(this.#lastKey + 1)) {
    this.#lastKey = Math.max(this.#lastKey, Number(id))
    return id
  }

  #matching ({ search = '', disabled }: UserFilter = {}) {
    return this.#users.filter((user) => (contains(user.email, search) || contains(user.name, search)) &&
      (disabled === undefined || user.disabled === disabled))
  }

  #pageOf ({ order, after, limit, ...filter }: TokenPage) {
    return inOrder(this.#tokens.filter((token) => matches(token, filter)), order, after).slice(0, limit)
  }

  #token (id?: string) { return this.#tokens.find((token) => token.id === id) }

  // The user always exists, because `deleteUser` also deletes the tokens of the user.
  #userOf (token: TokenRecord) { return this.#users.find(({ id }) => id === token.user_id) as UserRecord }

  #listed (token: StoredToken) {
    const { id, email, name } = this.#userOf(token)
    return { token: toRecord(token), user: { id, email, name } }
  }

  #createToken (token: NewTokenRecord) {
    const record = { ...copy(token), hash: token.hash.toString('hex'), id: String(++this.#lastKey), last_used_at: null }
    this.#tokens.push(record)
    return record
  }

  #audit (
    entry: NewAuditRecord | undefined, userId: string, tokenId: string | null = null, successorId: string | null = null
  ) {
    if (entry === undefined) return
    const keys = { id: String(++this.#lastKey), user_id: userId, token_id: tokenId, successor_id: successorId }
    this.#trail.push({ ...copy(entry), ...keys })
  }
}

function isCurrent (user: UserRecord, id: string, revision?: number): boolean {
  return user.id === id && (revision === undefined || user.revision === revision)
}

function matches (token: TokenRecord, filter: TokenFilter): boolean {
  const { userId, search = '', start = '', state, unusedSince, expiresBefore } = filter
  return (userId === undefined || token.user_id === userId) &&
    contains(token.name, search) &&
    (token.start ?? '').startsWith(start) &&
    (state === undefined || stateOf(token, state.at) === state.is) &&
    (unusedSince === undefined || (token.last_used_at ?? token.created_at) < unusedSince) &&
    (expiresBefore === undefined || (token.expires_at !== null && token.expires_at < expiresBefore))
}

function selects ({ userId, tokenId, action, actor, since, until }: AuditFilter, entry: AuditRecord): boolean {
  return (userId === undefined || entry.user_id === userId) &&
    (tokenId === undefined || entry.token_id === tokenId) &&
    (action === undefined || entry.action === action) &&
    (actor === undefined || entry.actor === actor) &&
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at < until)
}

function stateOf (token: TokenRecord, at: string) {
  if (token.expires_at !== null && token.expires_at <= at) return 'expired'
  return token.disabled ? 'disabled' : 'active'
}

// Normalises the text in the same way as the function `normalizeForSearch` that the package exports.
function contains (text: string | null, search: string): boolean {
  const normalized = (text ?? '').normalize('NFC').toLowerCase().normalize('NFC').replaceAll('\u03c2', '\u03c3')
  return normalized.includes(search)
}

function canKeep (id: string | undefined, records: Array<{ id: string }>): boolean {
  return id === undefined || (/^[1-9]\d{0,14}$/.test(id) && !records.some((record) => record.id === id))
}

function byKey (one: { id: string }, other: { id: string }): number { return Number(one.id) - Number(other.id) }

// The parameter `records` is in order of creation, which is also the order of the keys.
function inOrder<T extends { id: string }> (records: T[], order: 'asc' | 'desc', after?: string): T[] {
  const isAfter = (id: string) => order === 'asc' ? Number(id) > Number(after) : Number(id) < Number(after)
  const rest = records.filter(({ id }) => after === undefined || isAfter(id))
  return order === 'asc' ? rest : rest.reverse()
}

// Each method copies the records that it gets or returns, because the caller may change its own copy.
function copy<T> (value: T): T { return structuredClone(value) }

function toRecord ({ hash, successor, ...token }: StoredToken): TokenRecord { return copy(token) }

// Returns the changes without the members that are `undefined`. The update leaves these members as they are.
function given (changes: object): object {
  return Object.fromEntries(Object.entries(copy(changes)).filter(([, value]) => value !== undefined))
}

function remove<T> (items: T[], doomed: (item: T) => boolean): boolean {
  const kept = items.filter((item) => !doomed(item))
  return items.splice(0, items.length, ...kept).length > kept.length
}
