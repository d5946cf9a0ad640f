// This adapter keeps users and tokens in Redis 7 or later, or in Valkey, for any number of processes.
// It does not run on Redis Cluster, because its scripts build keys from the prefix. It passes the conformance suite.
import {
  normalizeForSearch, type NewTokenRecord, type NewUserRecord, type StorageAdapter, type TokenRecord,
  type TokenReplacement, type TokenWithUser, type UserChanges, type UserFilter, type UserPage, type UserRecord
} from 'fastify-vexa-admin'
import { createClient } from 'redis'

// With these settings, an answered write survives a power cut of the server, and no record is deleted to free memory.
// A failover to a replica can still lose a write, because Redis answers before the replicas have it.
const settings = {
  appendonly: 'yes', appendfsync: 'always', 'no-appendfsync-on-rewrite': 'no', 'maxmemory-policy': 'noeviction'
}

// The server runs one script at a time, so a check and the write that depends on it are one step.
// Each record is a Redis hash. Its members are JSON, except `id`, `user_id` and `hash`.
const shared = `
  local prefix, call = KEYS[1], redis.call
  local emails, hashes, users = prefix .. 'emails', prefix .. 'hashes', prefix .. 'users'
  local function user (id) return prefix .. 'user:' .. id end
  local function token (id) return prefix .. 'token:' .. id end
  local function tokens (userId) return prefix .. 'tokens:' .. userId end

  local function records (key, ids)
    local found = {}
    for i, id in ipairs(ids) do found[i] = call('hgetall', key(id)) end
    return found
  end

  local function createToken (userId, hash, ...)
    if call('hexists', hashes, hash) == 1 then error('another token has this hash') end
    local id = call('incr', prefix .. 'last-token')
    call('hset', token(id), 'id', id, 'user_id', userId, 'hash', hash, ...)
    call('hset', hashes, hash, id)
    call('zadd', tokens(userId), id, id)
    return call('hgetall', token(id))
  end

  local function revokeToken (id)
    local hash, userId = unpack(call('hmget', token(id), 'hash', 'user_id'))
    if not hash then return 0 end
    call('hdel', hashes, hash)
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
    // While there is no connection, a call throws at once. `open` throws if the first attempt to connect fails.
    const reconnectStrategy = (retries: number, cause: Error) => this.#wasReady ? Math.min(50 * retries, 1000) : cause
    this.client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy } })
    this.client.on('ready', () => { this.#wasReady = true })
    // Without a listener, a lost connection would end the process.
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
    return decode(await this.#run([id], "return call('hgetall', user(ARGV[1]))"))
  }

  async findUserByEmail (email: string): Promise<UserRecord | undefined> {
    return decode(await this.#run([JSON.stringify(email)], `
      local id = call('hget', emails, ARGV[1])
      return id and call('hgetall', user(id))`))
  }

  async listUsers ({ skip, limit, ...page }: UserPage) {
    if (selectsAll(page)) return await this.#list({ ...page, skip, limit })
    const users: UserRecord[] = []
    for await (const user of this.#search(page)) {
      if (skip-- <= 0 && users.push(user) === limit) break
    }
    return users
  }

  async countUsers (filter: UserFilter = {}): Promise<number> {
    if (selectsAll(filter)) return await this.#run([], "return call('zcard', users)")
    let count = 0
    for await (const user of this.#search({ order: 'asc', ...filter })) if (user) count++
    return count
  }

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
      return createToken(unpack(ARGV))`))
  }

  async findTokenByHash (hash: Buffer): Promise<TokenWithUser | undefined> {
    const found = await this.#run([hash.toString('hex')], `
      local id = call('hget', hashes, ARGV[1])
      if not id then return nil end
      return { call('hgetall', token(id)), call('hgetall', user(call('hget', token(id), 'user_id'))) }`)
    return found === null ? undefined : { token: decode(found[0]), user: decode(found[1]) }
  }

  async listTokens (userId: string): Promise<TokenRecord[]> {
    return (await this.#run([userId], "return records(token, call('zrange', tokens(ARGV[1]), 0, -1))")).map(decode)
  }

  async rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected') {
    while (true) {
      const old: TokenRecord | undefined = decode(await this.#run([id], "return call('hgetall', token(ARGV[1]))"))
      if (old === undefined) return 'absent'
      // No other member of a token changes, except `last_used_at`, which does not matter to a rotation.
      const expected = JSON.stringify(old.expires_at)
      const replacement = replace(old)
      if (replacement === 'rejected') return 'rejected'
      const { expires_at: expires, successor } = replacement
      const reply = await this.#run([id, expected, JSON.stringify(expires), ...encodeToken(successor)], `
        local id, expected, expires = unpack(ARGV)
        local stored, userId = unpack(call('hmget', token(id), 'expires_at', 'user_id'))
        if not stored then return 'absent' end
        if stored ~= expected then return 'changed' end
        local successor = createToken(userId, unpack(ARGV, 4))
        if expires == 'null' then revokeToken(id) else call('hset', token(id), 'expires_at', expires) end
        return successor`)
      if (reply !== 'changed') return decode(reply) as TokenRecord | 'absent'
    }
  }

  async revokeToken (id: string) { return await this.#run([id], 'return revokeToken(ARGV[1])') === 1 }

  async revokeTokens (userId: string) { await this.#run([userId], 'revokeTokens(ARGV[1])') }

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

  async #list ({ order, after, skip, limit }: UserPage): Promise<UserRecord[]> {
    // A key that is not a number was never created.
    const start = after === undefined ? (order === 'asc' ? '-inf' : '+inf') : `(${Number(after) || 0}`
    const range = order === 'asc' ? ['+inf', 'byscore'] : ['-inf', 'byscore', 'rev']
    const values = [start, ...range, 'limit', skip, limit]
    return (await this.#run(values, "return records(user, call('zrange', users, unpack(ARGV)))")).map(decode)
  }

  // Redis has no index for a search, so every user is read. Between two pages, other calls can run.
  async * #search ({ order, after, search = '', disabled }: Omit<UserPage, 'skip' | 'limit'>) {
    for (let page: UserRecord[] | undefined; page?.length !== 0; after = page.at(-1)?.id) {
      page = await this.#list({ order, after, skip: 0, limit: 500 })
      for (const user of page) {
        if (disabled !== undefined && user.disabled !== disabled) continue
        if ([user.email, user.name ?? ''].some((text) => normalizeForSearch(text).includes(search))) yield user
      }
    }
  }
}

const selectsAll = ({ search, disabled }: UserFilter) => search === undefined && disabled === undefined

const encode = (record: object): string[] =>
  Object.entries(record).flatMap(([name, value]) => value === undefined ? [] : [name, JSON.stringify(value)])

const encodeToken = ({ hash, user_id: userId, ...token }: NewTokenRecord): string[] =>
  [hash.toString('hex'), ...encode({ ...token, last_used_at: null })]

// Returns the record in a reply, or `undefined` if the reply has none. Returns text such as 'taken' unchanged.
function decode (reply: string[] | string | null): any {
  if (typeof reply === 'string') return reply
  if (!reply?.length) return undefined
  const record: Record<string, unknown> = {}
  for (let i = 0; i < reply.length; i += 2) {
    const [name, value] = reply.slice(i, i + 2) as [string, string]
    if (name !== 'hash') record[name] = name === 'id' || name === 'user_id' ? value : JSON.parse(value)
  }
  return record
}
