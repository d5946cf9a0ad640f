// A custom storage: it keeps users and tokens in the memory of one process.
// custom-storage.test.ts tests it with the conformance suite.
import type {
  NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, TokenReplacement, UserChanges, UserFilter, UserPage,
  UserRecord
} from 'fastify-vexa-admin'

// No method waits for a server or a disk, so calls cannot disturb each other. Methods that wait need protection against
// races: transactions, conditional writes or unique keys of your store.
export class MemoryStorage implements StorageAdapter {
  #users: UserRecord[] = []
  #tokens: Array<TokenRecord & { hash: string }> = []
  #lastKey = 0

  async open () {}
  async close () {}

  async createUser (user: NewUserRecord) {
    if (this.#users.some(({ email }) => email === user.email)) return 'taken'
    const record = { ...copy(user), id: String(++this.#lastKey), disabled: false, revision: 0 }
    this.#users.push(record)
    return copy(record)
  }

  async findUser (id: string) { return copy(this.#users.find((user) => user.id === id)) }

  async findUserByEmail (email: string) { return copy(this.#users.find((user) => user.email === email)) }

  async listUsers ({ order, after, skip, limit, ...filter }: UserPage) {
    const users = order === 'asc' ? this.#matching(filter) : this.#matching(filter).reverse()
    const isAfter = (id: string) => order === 'asc' ? Number(id) > Number(after) : Number(id) < Number(after)
    const rest = users.filter(({ id }) => after === undefined || isAfter(id))
    return copy(rest.slice(skip, skip + limit))
  }

  async countUsers (filter?: UserFilter) { return this.#matching(filter).length }

  async updateUser (id: string, changes: UserChanges, revision?: number) {
    const user = this.#users.find((user) => isCurrent(user, id, revision))
    if (user === undefined) return 'absent'
    if (this.#users.some(({ email }) => email === changes.email && email !== user.email)) return 'taken'
    const given = Object.entries(copy(changes)).filter(([, value]) => value !== undefined)
    return copy(Object.assign(user, Object.fromEntries(given), { revision: user.revision + 1 }))
  }

  async deleteUser (id: string, revision?: number) {
    if (!remove(this.#users, (user) => isCurrent(user, id, revision))) return false
    await this.revokeTokens(id)
    return true
  }

  async createToken (token: NewTokenRecord) {
    if (!this.#users.some(({ id }) => id === token.user_id)) return 'absent'
    const record = { ...copy(token), hash: token.hash.toString('hex'), id: String(++this.#lastKey), last_used_at: null }
    this.#tokens.push(record)
    return withoutHash(record)
  }

  async findTokenByHash (hash: Buffer) {
    const token = this.#tokens.find((token) => token.hash === hash.toString('hex'))
    const user = this.#users.find(({ id }) => id === token?.user_id)
    return token && user && { token: withoutHash(token), user: copy(user) }
  }

  async listTokens (userId: string) { return this.#tokens.filter((token) => token.user_id === userId).map(withoutHash) }

  async rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected') {
    const old = this.#tokens.find((token) => token.id === id)
    if (old === undefined) return 'absent'
    const replacement = replace(withoutHash(old))
    if (replacement === 'rejected') return 'rejected'
    if (replacement.expires_at === null) remove(this.#tokens, (token) => token.id === id)
    else old.expires_at = replacement.expires_at
    return await this.createToken(replacement.successor)
  }

  async revokeToken (id: string) { return remove(this.#tokens, (token) => token.id === id) }

  async revokeTokens (userId: string) { remove(this.#tokens, (token) => token.user_id === userId) }

  async touchTokens (ids: readonly string[], lastUsedAt: string) {
    for (const token of this.#tokens) {
      if (ids.includes(token.id) && (token.last_used_at ?? '') < lastUsedAt) token.last_used_at = lastUsedAt
    }
  }

  #matching ({ search = '', disabled }: UserFilter = {}) {
    const matches = (text: string) => normalizeForSearch(text).includes(search)
    return this.#users.filter((user) => (matches(user.email) || matches(user.name ?? '')) &&
      (disabled === undefined || user.disabled === disabled))
  }
}

function isCurrent (user: UserRecord, id: string, revision?: number): boolean {
  return user.id === id && (revision === undefined || user.revision === revision)
}

// Does the same as `normalizeForSearch` of the package.
function normalizeForSearch (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC').replaceAll('\u03c2', '\u03c3')
}

// Records are copied, because callers may change the records that they have.
function copy<T> (value: T): T { return structuredClone(value) }

function withoutHash ({ hash, ...token }: TokenRecord & { hash: string }): TokenRecord { return copy(token) }

function remove<T> (items: T[], doomed: (item: T) => boolean): boolean {
  const kept = items.filter((item) => !doomed(item))
  return items.splice(0, items.length, ...kept).length > kept.length
}
