// A storage of your own, which keeps users and tokens in Redis 7 or later, or in Valkey. Any number of processes may
// share the server. The storage passes the conformance suite. It does not run on Redis Cluster, because its scripts
// build the names of keys from the prefix.
import {
  normalizeForSearch, type ListedToken, type NewTokenRecord, type NewUserRecord, type PruneBatch, type StorageAdapter,
  type TokenChanges, type TokenFilter, type TokenPage, type TokenRecord, type TokenReplacement, type TokenWithUser,
  type UserChanges, type UserFilter, type UserPage, type UserRecord
} from 'fastify-vexa-admin'
import { createClient } from 'redis'

// With these settings, an acknowledged write survives a power cut, and the server deletes no record to free memory. A
// failover to a replica can still lose a write, because Redis acknowledges a write before the replicas have it.
const settings = {
  appendonly: 'yes', appendfsync: 'always', 'no-appendfsync-on-rewrite': 'no', 'maxmemory-policy': 'noeviction'
}

// The server runs one script at a time, so a check and a write in the same script are one step.
// Each record is a Redis hash, with one field for each member. The fields are JSON, except `id`, `user_id` and the
// fields in `hidden`. Sorted sets hold the keys of the records in order of creation. Each change of a token increments
// its `version`, except a change of `last_used_at`.
const shared = `
  local prefix, call = KEYS[1], redis.call
  local emails, hashes, users, all = prefix .. 'emails', prefix .. 'hashes', prefix .. 'users', prefix .. 'tokens'
  local function user (id) return prefix .. 'user:' .. id end
  local function token (id) return prefix .. 'token:' .. id end
  local function tokens (userId) return prefix .. 'tokens:' .. userId end

  local function userRecord (id) return call('hgetall', user(id)) end

  local function listedToken (id)
    local userId = call('hget', token(id), 'user_id')
    if not userId then return nil end
    local email, name = unpack(call('hmget', user(userId), 'email', 'name'))
    return { call('hgetall', token(id)), { 'id', userId, 'email', email, 'name', name } }
  end

  local function createToken (userId, hash, ...)
    if call('hexists', hashes, hash) == 1 then error('another token has this hash') end
    local id = call('incr', prefix .. 'last-token')
    call('hset', token(id), 'id', id, 'user_id', userId, 'hash', hash, 'version', 0, ...)
    call('hset', hashes, hash, id)
    call('zadd', all, id, id)
    call('zadd', tokens(userId), id, id)
    return id
  end

  local function revokeToken (id)
    local hash, userId = unpack(call('hmget', token(id), 'hash', 'user_id'))
    if not hash then return 0 end
    call('hdel', hashes, hash)
    call('zrem', all, id)
    call('zrem', tokens(userId), id)
    return call('del', token(id))
  end

  local function revokeTokens (userId)
    for _, id in ipairs(call('zrange', tokens(userId), 0, -1)) do revokeToken(id) end
  end
`

export class RedisStorage implements StorageAdapter {
  readonly client
  readonly prefix: string
  #wasReady = false

  constructor ({ url = 'redis://127.0.0.1:6379', prefix = 'vexa:' } = {}) {
    this.prefix = prefix
    // While the connection is lost, a call throws at once. If the first attempt to connect fails, `open` throws.
    const reconnectStrategy = (retries: number, cause: Error) => this.#wasReady ? Math.min(50 * retries, 1000) : cause
    this.client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy } })
    this.client.on('ready', () => { this.#wasReady = true })
    // Without this listener, a lost connection would end the process.
    this.client.on('error', () => {})
  }

  async open () {
    await this.client.connect()
    const server = await this.client.role()
    if (server?.role !== 'master') throw new Error('RedisStorage needs a primary server, but this server is a replica')
    const found = await this.client.configGet(Object.keys(settings))
    for (const [name, value] of Object.entries(settings)) {
      if (found[name] === value) continue
      throw new Error(`RedisStorage needs "${name} ${value}", but this server has "${name} ${found[name]}"`)
    }
  }

  async close () { if (this.client.isOpen) this.client.destroy() }

  async createUser (user: NewUserRecord): Promise<UserRecord | 'taken'> {
    return decode(await this.#run([JSON.stringify(user.email), ...encode({ ...user, disabled: false, revision: 0 })], `
      if call('hexists', emails, ARGV[1]) == 1 then return 'taken' end
      local id = call('incr', prefix .. 'last-user')
      call('hset', user(id), 'id', id, unpack(ARGV, 2))
      call('hset', emails, ARGV[1], id)
      call('zadd', users, id, id)
      return call('hgetall', user(id))`))
  }

  async findUser (id: string): Promise<UserRecord | undefined> {
    return decode(await this.#run([id], 'return userRecord(ARGV[1])'))
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    return decode(await this.#run([JSON.stringify(email)], `
      local id = call('hget', emails, ARGV[1])
      return id and call('hgetall', user(id))`))
  }

  async listUsers ({ order, after, skip, limit, ...filter }: UserPage): Promise<UserRecord[]> {
    return await this.#list('users', { order, after, skip, limit }, matchesUser(filter))
  }

  async countUsers (filter?: UserFilter) { return await this.#count('users', matchesUser(filter)) }

  async updateUser (id: string, changes: UserChanges, revision?: number): Promise<UserRecord | 'absent' | 'taken'> {
    const email = JSON.stringify(changes.email) ?? ''
    return decode(await this.#run([id, revision ?? '', email, ...encode(changes)], `
      local id, expected, email = unpack(ARGV)
      local stored, revision = unpack(call('hmget', user(id), 'email', 'revision'))
      if not stored then return 'absent' end
      if expected ~= '' and expected ~= revision then return 'absent' end
      if email ~= '' and email ~= stored then
        if call('hexists', emails, email) == 1 then return 'taken' end
        call('hdel', emails, stored)
        call('hset', emails, email, id)
      end
      call('hincrby', user(id), 'revision', 1)
      call('hset', user(id), 'id', id, unpack(ARGV, 4))
      return call('hgetall', user(id))`))
  }

  async deleteUser (id: string, revision?: number) {
    return await this.#run([id, revision ?? ''], `
      local email, revision = unpack(call('hmget', user(ARGV[1]), 'email', 'revision'))
      if not email then return 0 end
      if ARGV[2] ~= '' and ARGV[2] ~= revision then return 0 end
      revokeTokens(ARGV[1])
      call('hdel', emails, email)
      call('zrem', users, ARGV[1])
      return call('del', user(ARGV[1]))`) === 1
  }

  async createToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'> {
    return decode(await this.#run([token.user_id, ...encodeToken(token)], `
      if call('exists', user(ARGV[1])) == 0 then return 'absent' end
      return call('hgetall', token(createToken(unpack(ARGV))))`))
  }

  async findTokenByHash (hash: Buffer): Promise<TokenWithUser | undefined> {
    return decodePair(await this.#run([hash.toString('hex')], `
      local id = call('hget', hashes, ARGV[1])
      if not id then return nil end
      return { call('hgetall', token(id)), userRecord(call('hget', token(id), 'user_id')) }`))
  }

  async findToken (id: string): Promise<ListedToken | undefined> {
    return decodePair(await this.#run([id], 'return listedToken(ARGV[1])'))
  }

  async listTokens ({ order, after, limit, userId, ...filter }: TokenPage): Promise<ListedToken[]> {
    return await this.#list(tokensOf(userId), { order, after, skip: 0, limit }, matchesToken(filter))
  }

  async countTokens ({ userId, ...filter }: TokenFilter = {}) {
    return await this.#count(tokensOf(userId), matchesToken(filter))
  }

  async updateToken (id: string, change: (current: TokenRecord) => TokenChanges | 'rejected') {
    return await this.#change(id, (current) => {
      const changes = change(current)
      return changes === 'rejected' ? changes : encode(changes)
    }, `
      call('hset', token(id), 'id', id, unpack(ARGV, 3))
      return call('hgetall', token(id))`)
  }

  async rotateToken (
    id: string, replace: (old: TokenRecord, successor?: TokenRecord) => TokenReplacement | 'rejected'
  ) {
    return await this.#change(id, (old, successor) => {
      const replacement = replace(old, successor)
      if (replacement === 'rejected') return replacement
      return [JSON.stringify(replacement.expires_at), ...encodeToken(replacement.successor)]
    }, `
      local successor = createToken(call('hget', token(id), 'user_id'), unpack(ARGV, 4))
      call('hset', token(id), 'expires_at', ARGV[3], 'successor', successor)
      if ARGV[3] == 'null' then revokeToken(id) end
      return call('hgetall', token(successor))`)
  }

  async revokeToken (id: string) { return await this.#run([id], 'return revokeToken(ARGV[1])') === 1 }

  async revokeTokens (userId: string) { await this.#run([userId], 'revokeTokens(ARGV[1])') }

  async pruneTokens ({ expiredBefore, ...batch }: PruneBatch) {
    const expired = await this.listTokens({ order: 'asc', expiresBefore: expiredBefore, ...batch })
    const ids = expired.map(({ token }) => token.id)
    // The script compares times as JSON. A time begins with a quotation mark, which is less than the n of `null`, so a
    // token that never expires stays.
    const deleted: number = await this.#run([JSON.stringify(expiredBefore), ...ids], `
      local deleted = 0
      for i = 2, #ARGV do
        local expires = call('hget', token(ARGV[i]), 'expires_at')
        if expires and expires < ARGV[1] then deleted = deleted + revokeToken(ARGV[i]) end
      end
      return deleted`)
    return { deleted, last: ids.at(-1) }
  }

  async touchTokens (ids: readonly string[], lastUsedAt: string) {
    await this.#run([JSON.stringify(lastUsedAt), ...ids], `
      for i = 2, #ARGV do
        local last = call('hget', token(ARGV[i]), 'last_used_at')
        if last and (last == 'null' or last < ARGV[1]) then call('hset', token(ARGV[i]), 'last_used_at', ARGV[1]) end
      end`)
  }

  async #run (values: Array<string | number>, script: string): Promise<any> {
    return await this.client.eval(shared + script, { keys: [this.prefix], arguments: values.map(String) })
  }

  // Calls `decide` with a token and its successor, and runs `write` with the result. If the token has changed
  // meanwhile, starts over.
  async #change (
    id: string, decide: (token: TokenRecord, successor?: TokenRecord) => string[] | 'rejected', write: string
  ): Promise<TokenRecord | 'absent' | 'rejected'> {
    while (true) {
      const [token, version, successor] = await this.#run([id], `
        local version, successor = unpack(call('hmget', token(ARGV[1]), 'version', 'successor'))
        return { call('hgetall', token(ARGV[1])), version, successor and call('hgetall', token(successor)) }`)
      if (version === null) return 'absent'
      const values = decide(decode(token), decode(successor))
      if (values === 'rejected') return values
      const reply = await this.#run([id, version, ...values], `
        local id = ARGV[1]
        if call('hget', token(id), 'version') ~= ARGV[2] then return 'changed' end
        call('hincrby', token(id), 'version', 1)
        ${write}`)
      if (reply !== 'changed') return decode(reply)
    }
  }

  async #list (set: string, { order, after, skip, limit }: UserPage, matches?: Matches): Promise<any[]> {
    if (matches === undefined) return await this.#page(set, { order, after, skip, limit })
    const found = []
    for await (const record of this.#search(set, order, after)) {
      if (matches(record) && skip-- <= 0 && found.push(record) === limit) break
    }
    return found
  }

  async #count (set: string, matches?: Matches): Promise<number> {
    if (matches === undefined) return await this.#run([set], "return call('zcard', prefix .. ARGV[1])")
    let count = 0
    for await (const record of this.#search(set, 'asc')) if (matches(record)) count++
    return count
  }

  // Redis has no index for a search, so this method reads every record of the set, in pages. Other calls can run
  // between two pages.
  async * #search (set: string, order: 'asc' | 'desc', after?: string) {
    for (;;) {
      const page = await this.#page(set, { order, after, skip: 0, limit: 500 })
      if (page.length === 0) return
      yield * page
      after = keyOf(page.at(-1))
    }
  }

  async #page (set: string, { order, after, skip, limit }: UserPage): Promise<any[]> {
    // `after` must be a key, and keys are numbers. Other text counts as 0.
    const start = after === undefined ? (order === 'asc' ? '-inf' : '+inf') : `(${Number(after) || 0}`
    const range = order === 'asc' ? ['+inf', 'byscore'] : ['-inf', 'byscore', 'rev']
    const found = await this.#run([set, start, ...range, 'limit', skip, limit], `
      local read, found = ARGV[1] == 'users' and userRecord or listedToken, {}
      for i, id in ipairs(call('zrange', prefix .. ARGV[1], unpack(ARGV, 2))) do found[i] = read(id) end
      return found`)
    return found.map(set === 'users' ? decode : decodePair)
  }
}

// Returns whether a filter selects a user, or a token with its user.
type Matches = (record: any) => boolean

const tokensOf = (userId?: string) => userId === undefined ? 'tokens' : `tokens:${userId}`

const keyOf = (record: UserRecord | ListedToken) => 'token' in record ? record.token.id : record.id

const isEmpty = (filter: object) => Object.values(filter).every((member) => member === undefined)

const contains = (text: string | null, search: string) => normalizeForSearch(text ?? '').includes(search)

function matchesUser (filter: UserFilter = {}): Matches | undefined {
  if (isEmpty(filter)) return undefined
  const { search = '', disabled } = filter
  return (user: UserRecord) => (contains(user.email, search) || contains(user.name, search)) &&
    (disabled === undefined || user.disabled === disabled)
}

function matchesToken (filter: TokenFilter): Matches | undefined {
  if (isEmpty(filter)) return undefined
  const { search = '', start = '', state, unusedSince, expiresBefore } = filter
  return ({ token }: ListedToken) => contains(token.name, search) &&
    (token.start ?? '').startsWith(start) &&
    (state === undefined || stateOf(token, state.at) === state.is) &&
    (unusedSince === undefined || (token.last_used_at ?? token.created_at) < unusedSince) &&
    (expiresBefore === undefined || (token.expires_at !== null && token.expires_at < expiresBefore))
}

function stateOf (token: TokenRecord, at: string) {
  if (token.expires_at !== null && token.expires_at <= at) return 'expired'
  return token.disabled ? 'disabled' : 'active'
}

const encode = (record: object): string[] =>
  Object.entries(record).flatMap(([name, value]) => value === undefined ? [] : [name, JSON.stringify(value)])

const encodeToken = ({ hash, user_id: userId, ...token }: NewTokenRecord): string[] =>
  [hash.toString('hex'), ...encode({ ...token, last_used_at: null })]

const hidden = ['hash', 'version', 'successor']

function decodePair (reply: [string[], string[]] | null): any {
  return reply === null ? undefined : { token: decode(reply[0]), user: decode(reply[1]) }
}

// Returns the record in a reply, or `undefined` if the reply has no record. Returns text such as 'taken' unchanged.
function decode (reply: string[] | string | null): any {
  if (typeof reply === 'string') return reply
  if (!reply?.length) return undefined
  const record: Record<string, unknown> = {}
  for (let i = 0; i < reply.length; i += 2) {
    const [name, value] = reply.slice(i, i + 2) as [string, string]
    if (!hidden.includes(name)) record[name] = name === 'id' || name === 'user_id' ? value : JSON.parse(value)
  }
  return record
}
