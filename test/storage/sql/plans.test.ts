// Each statement finds its rows by an index, in a table of any size.
import { Kysely, sql, type CompiledQuery } from 'kysely'
import t from 'tap'
import { KyselyStorage, type NewTokenRecord } from '../../../src/index.js'
import type { AuditFilter, Storage, TokenFilter } from '../../../src/storage/storage-adapter.js'
import { dialectAt, emptyPlace, longTestDatabases, tablePrefixAt, unavailable } from '../../support/databases.js'

const users = 2000
// For a filter that more than 20,000 tokens match, SQLite goes through the keys.
const tokens = 24_000
const created = '2024-01-01T12:00:00.000Z'
const time = (seconds: number) => new Date(Date.parse(created) + seconds * 1000).toISOString()
const hashOf = (n: number) => {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return hash
}

/** The words of a plan that reads a whole table. PostgreSQL may read all of a small table of users for a join. */
const scans = { sqlite: /SCAN/, postgres: /Seq Scan on \w+tokens|^[^J]*Seq Scan/, mysql: /ALL/ }
/** The words of a plan that sorts its rows. */
const sorts = { sqlite: /TEMP B-TREE/, postgres: /Sort Key/, mysql: /filesort/ }

/** Filters of lists of tokens, and the index that finds the rows of a page. */
const filters: ReadonlyArray<readonly [filter: TokenFilter, index: 'key' | 'user_id' | 'start' | 'expires_at']> = [
  [{}, 'key'],
  [{ userId: '77' }, 'user_id'],
  [{ start: 'vex_00077' }, 'start'],
  [{ expiresBefore: time(9) }, 'expires_at'],
  [{ expiresBefore: time(9), state: { is: 'active', at: time(3) } }, 'expires_at'],
  [{ state: { is: 'expired', at: time(9) } }, 'expires_at'],
  // Most tokens match these.
  [{ start: 'vex_' }, 'key'],
  [{ expiresBefore: time(23_000) }, 'key'],
  [{ state: { is: 'expired', at: time(23_000) } }, 'key']
]

/** Filters of lists of entries, and the index that finds the rows of a page. */
const auditFilters: ReadonlyArray<readonly [filter: AuditFilter, index: 'key' | 'user_id' | 'token_id']> = [
  [{}, 'key'],
  [{ userId: '77' }, 'user_id'],
  [{ tokenId: '77' }, 'token_id'],
  [{ tokenId: '77', userId: '78' }, 'token_id'],
  [{ userId: '77', action: 'token.created', actor: 'ops', since: created, until: time(9999) }, 'user_id']
]

/** A filter that 10,000 tokens match. SQLite sorts these faster than it reads the keys up to the first of them. */
const sorted: typeof filters[number] = [{ start: 'vex_1' }, 'start']

/** Returns whether a plan uses this index. */
function uses (plan: string, index: typeof filters[number][1]): boolean {
  return index === 'key' ? /tokens_pkey|PRIMARY/.test(plan) : plan.includes(`tokens_${index}`)
}

const token: NewTokenRecord = {
  user_id: '7',
  hash: hashOf(1_000_000),
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  disabled: false,
  data: null,
  start: null,
  created_at: created
}

/** A call of each method, in this order. A count reads the whole table. */
const calls: Record<Exclude<keyof Storage, 'countUsers' | 'countTokens'>, (storage: Storage) => unknown> = {
  findTokenByHash: (storage) => storage.findTokenByHash(hashOf(77)),
  findUser: (storage) => storage.findUser('77'),
  findUserByEmail: (storage) => storage.findUserByEmail('77@x'),
  async listUsers (storage) {
    await storage.listUsers({ order: 'asc', after: '77', skip: 0, limit: 10 })
    await storage.listUsers({ order: 'desc', after: '77', skip: 0, limit: 10 })
    // A page of rare users, such as those who are disabled, reads the whole table, as a search does.
    await storage.listUsers({ order: 'desc', after: '77', skip: 0, limit: 10, disabled: false })
  },
  findToken: (storage) => storage.findToken('77'),
  async listTokens (storage) {
    for (const [filter] of filters) await storage.listTokens({ order: 'asc', after: '77', limit: 10, ...filter })
  },
  updateToken: (storage) => storage.updateToken('77', () => ({ name: 'x' })),
  updateUser: (storage) => storage.updateUser('77', { name: 'x' }, 0),
  createToken: (storage) => storage.createToken(token),
  rotateToken: (storage) =>
    storage.rotateToken('78', () => ({ expires_at: created, successor: { ...token, hash: hashOf(1_000_001) } })),
  pruneTokens: (storage) => storage.pruneTokens({ expiredBefore: time(9), after: '77', limit: 10 }),
  touchTokens: (storage) => storage.touchTokens(['79', '80'], created),
  revokeToken: (storage) => storage.revokeToken('79'),
  revokeTokens: (storage) => storage.revokeTokens('78'),
  deleteUser: (storage) => storage.deleteUser('80', 0),
  createUser: (storage) => storage.createUser({
    email: 'new@x', name: null, max_concurrent_bots: 3, data: null, created_at: created
  })
}

for (const database of longTestDatabases) {
  const skip = await unavailable(database)
  t.test(`KyselyStorage: finds its rows by an index in ${database}`, { skip }, async (t) => {
    const place = emptyPlace(t, database)
    const prefix = tablePrefixAt(place)
    const queries: CompiledQuery[] = []
    let recording = false
    const db = new Kysely<any>({
      dialect: dialectAt(place), log: ({ query }) => { if (recording) queries.push(query) }
    })
    t.teardown(() => db.destroy())
    const storage = new KyselyStorage({ db, tablePrefix: prefix })
    await storage.open()
    const written = (time: string) => database === 'mysql' ? time.replace('T', ' ').replace('Z', '') : time
    for (let n = 0; n < users; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => (
        { email: `${n + i}@x`, max_concurrent_bots: 3, created_at: written(created) }
      ))
      await db.insertInto(`${prefix}users`).values(rows).execute()
    }
    for (let n = 0; n < tokens; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => (
        {
          user_id: (n + i) % users + 1,
          hash: hashOf(n + i),
          start: `vex_${String(n + i).padStart(5, '0')}`,
          expires_at: written(time(n + i)),
          created_at: written(created)
        }
      ))
      await db.insertInto(`${prefix}tokens`).values(rows).execute()
    }
    for (let n = 1; n <= 3 * users; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => (
        {
          ...(database !== 'sqlite' && { id: n + i }),
          at: Date.parse(time(n + i)),
          action: 4,
          user_id: i % 3 === 0 ? (n + i) % users + 1 : 1,
          token_id: i % 5 === 0 ? null : n + i
        }
      ))
      await db.insertInto(`${prefix}audit`).values(rows).execute()
    }
    const analyze = {
      sqlite: 'analyze',
      postgres: `analyze ${prefix}users, ${prefix}tokens, ${prefix}audit`,
      mysql: `analyze table ${prefix}users, ${prefix}tokens, ${prefix}audit`
    }
    await sql.raw(analyze[database]).execute(db)

    recording = true
    for (const call of Object.values(calls)) await call(storage)
    recording = false

    const explain = async (text: string, parameters: readonly unknown[]) => {
      const { rows } = await db.executeQuery({
        ...sql``.compile(db), sql: (database === 'sqlite' ? 'explain query plan ' : 'explain ') + text, parameters
      })
      return JSON.stringify(rows)
    }
    t.match(await explain(`select id from ${prefix}users where name = 'x'`, []), scans[database], 'names have no index')
    let explained = 0
    const readers = queries.filter(({ sql }) => /^(select|update|delete|insert into .* select)/.test(sql))
    for (const { sql: text, parameters } of readers) {
      const plan = await explain(text, parameters)
      t.notMatch(plan, scans[database], text)
      explained++
    }
    t.ok(explained >= 15, `${explained} statements`)
    // Now that there are statistics, a new plan for each value would cost several times the statement.
    const unseen = queries.filter(({ sql }) => /("hash"|^select .*"user_id") = \+\?/.test(sql))
    if (database === 'sqlite') t.equal(unseen.length, 2, 'statements that are not planned anew for each value')

    const checkLists = async (state: string) => {
      for (const [filter, index] of database === 'sqlite' ? [...filters, sorted] : filters) {
        for (const order of ['asc', 'desc'] as const) {
          for (const after of [undefined, order === 'asc' ? '77' : '23900']) {
            queries.length = 0
            recording = true
            await storage.listTokens({ order, after, limit: 10, ...filter })
            recording = false
            const { sql: text, parameters } = queries.at(-1) as CompiledQuery
            const plan = await explain(text, parameters)
            const message = `${order} ${JSON.stringify({ after, ...filter })} ${state}: ${plan}`
            t.ok(uses(plan, index), message)
            if (index === 'key') t.notMatch(plan, sorts[database], message)
          }
        }
      }
    }
    const checkPruning = async (state: string) => {
      queries.length = 0
      recording = true
      await storage.pruneAudit({ before: time(90), now: time(9999), after: '77', limit: 10 })
      recording = false
      t.equal(queries.length, 2)
      for (const { sql: text, parameters } of queries) {
        const plan = await explain(text, parameters)
        t.notMatch(plan, scans[database], `${text} ${state}: ${plan}`)
        t.notMatch(plan, sorts[database], `${text} ${state}: ${plan}`)
      }
    }
    const checkAuditLists = async (state: string) => {
      for (const [filter, index] of auditFilters) {
        for (const order of ['asc', 'desc'] as const) {
          for (const after of [undefined, order === 'asc' ? '77' : '5900']) {
            queries.length = 0
            recording = true
            await storage.listAudit({ order, after, limit: 10, ...filter })
            recording = false
            const { sql: text, parameters } = queries.at(-1) as CompiledQuery
            const plan = await explain(text, parameters)
            const message = `${order} ${JSON.stringify({ after, ...filter })} ${state}: ${plan}`
            // SQLite reads a table in the order of its keys without naming an index.
            if (index !== 'key') t.ok(plan.includes(`audit_${index}`), message)
            else t.notMatch(plan, sorts[database], message)
          }
        }
      }
    }

    await checkLists('with statistics')
    await checkAuditLists('with statistics')
    await checkPruning('with statistics')
    if (database === 'sqlite') {
      for (const statement of ['delete from sqlite_stat1', 'delete from sqlite_stat4', 'analyze sqlite_schema']) {
        await sql.raw(statement).execute(db)
      }
      await checkLists('without statistics')
      await checkAuditLists('without statistics')
      await checkPruning('without statistics')
    }
  })
}
