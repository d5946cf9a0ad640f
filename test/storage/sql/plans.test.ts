// Each statement finds its rows by an index, in a table of any size.
import { Kysely, sql, type CompiledQuery } from 'kysely'
import t from 'tap'
import { KyselyStorage, type NewTokenRecord } from '../../../src/index.js'
import type { Storage } from '../../../src/storage/storage-adapter.js'
import { databaseNames, dialectAt, emptyPlace, tablePrefixAt, unavailable } from '../../support/databases.js'

const users = 2000
const created = '2024-01-01T12:00:00.000Z'
const hashOf = (n: number) => {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return hash
}

/** The words of a plan that reads a whole table. */
const scans = { sqlite: /SCAN/, postgres: /Seq Scan/, mysql: /ALL/ }

const token: NewTokenRecord = {
  user_id: '7',
  hash: hashOf(1_000_000),
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  created_at: created
}

/** A call of each method, in this order. A count reads the whole table. */
const calls: Record<Exclude<keyof Storage, 'countUsers'>, (storage: Storage) => unknown> = {
  findTokenByHash: (storage) => storage.findTokenByHash(hashOf(77)),
  findUser: (storage) => storage.findUser('77'),
  findUserByEmail: (storage) => storage.findUserByEmail('77@x'),
  async listUsers (storage) {
    await storage.listUsers({ order: 'asc', after: '77', skip: 0, limit: 10 })
    await storage.listUsers({ order: 'desc', after: '77', skip: 0, limit: 10 })
    // A page of rare users, such as those who are disabled, reads the whole table, as a search does.
    await storage.listUsers({ order: 'desc', after: '77', skip: 0, limit: 10, disabled: false })
  },
  listTokens: (storage) => storage.listTokens('77'),
  updateUser: (storage) => storage.updateUser('77', { name: 'x' }, 0),
  createToken: (storage) => storage.createToken(token),
  rotateToken: (storage) =>
    storage.rotateToken('78', () => ({ expires_at: created, successor: { ...token, hash: hashOf(1_000_001) } })),
  touchTokens: (storage) => storage.touchTokens(['79', '80'], created),
  revokeToken: (storage) => storage.revokeToken('79'),
  revokeTokens: (storage) => storage.revokeTokens('78'),
  deleteUser: (storage) => storage.deleteUser('80', 0),
  createUser: (storage) => storage.createUser({
    email: 'new@x', name: null, max_concurrent_bots: 3, data: null, created_at: created
  })
}

for (const database of databaseNames) {
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
    const time = created.replace('T', ' ').replace('Z', '')
    for (let n = 0; n < users; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => (
        { email: `${n + i}@x`, max_concurrent_bots: 3, created_at: time }
      ))
      await db.insertInto(`${prefix}users`).values(rows).execute()
    }
    for (let n = 0; n < 3 * users; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => (
        { user_id: (n + i) % users + 1, hash: hashOf(n + i), created_at: time }
      ))
      await db.insertInto(`${prefix}tokens`).values(rows).execute()
    }
    const analyze = {
      sqlite: 'analyze',
      postgres: `analyze ${prefix}users, ${prefix}tokens`,
      mysql: `analyze table ${prefix}users, ${prefix}tokens`
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
      t.notMatch(await explain(text, parameters), scans[database], text)
      explained++
    }
    t.ok(explained >= 15, `${explained} statements`)
    // Now that there are statistics, a new plan for each value would cost several times the statement.
    const unseen = queries.filter(({ sql }) => /("hash"|^select .*"user_id") = \+\?/.test(sql))
    if (database === 'sqlite') t.equal(unseen.length, 2, 'statements that are not planned anew for each value')
  })
}
