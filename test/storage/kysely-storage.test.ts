import Database from 'better-sqlite3'
import {
  CamelCasePlugin, DummyDriver, Kysely, MssqlAdapter, MysqlDialect, PostgresDialect, sql, SqliteDialect, SqliteIntrospector, SqliteQueryCompiler, type DialectAdapter
} from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t, { type Test } from 'tap'
import { testStorage, type TestStorageOptions } from '../../src/conformance/index.js'
import { KyselyStorage, migrate, type StorageAdapter } from '../../src/index.js'
import { backDoor, databaseNames, dialectAt, emptyPlace, mysqlUrl, postgresUrl, storageAt, tablePrefixAt, unavailable, type DatabaseName } from '../databases.js'

const user = { email: 'a@b', name: 'A', max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }
const hash = Buffer.alloc(32, 7)
const token = { user_id: '1', hash, name: null, scopes: null, expires_at: null, expires_in: null, created_at: user.created_at }

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('it keeps the promises of StorageAdapter', async (t) => {
      testStorage((name, run) => t.test(name, run), ...emptyStorages(t, database))
    })

    t.test("over the host's own Kysely: its tables stand beside ours, its plugins do not matter, and it stays open", async (t) => {
      const place = emptyPlace(t, database)
      const tablePrefix = tablePrefixAt(place)
      const table = `${tablePrefix}Projects`
      const db = new Kysely<any>({ dialect: dialectAt(place), plugins: [new CamelCasePlugin()] })
      t.teardown(() => db.destroy())
      await db.schema.createTable(table).addColumn('projectName', 'text').execute()
      t.teardown(() => db.schema.dropTable(table).execute())
      const storage = new KyselyStorage({ db, tablePrefix })
      await storage.open()
      t.match(await storage.insertUser(user), { id: '1', ...user })
      await storage.close()
      await db.insertInto(table).values({ projectName: 'x' }).execute()
      t.same(await db.selectFrom(table).selectAll().execute(), [{ projectName: 'x' }])
    })

    t.test('a fault that is no conflict is thrown', async (t) => {
      const place = emptyPlace(t, database)
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await storage.open()
      await storage.insertUser(user)
      await storage.insertToken(token)
      await t.rejects(storage.insertToken(token), 'two tokens with one hash')
      const { db, prefix } = backDoor(t, place)
      await db.schema.dropTable(`${prefix}tokens`).execute()
      await db.schema.dropTable(`${prefix}users`).execute()
      await t.rejects(storage.insertUser(user))
      await t.rejects(storage.updateUser('1', { name: 'x' }))
      await t.rejects(storage.insertToken(token))
      await t.rejects(storage.deleteUser('1'))
    })
  })
}

t.test('SQLite over a Kysely of the app, without foreign keys', async (t) => {
  const createStorage = async () => {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    t.teardown(() => db.destroy())
    await sql`pragma foreign_keys = off`.execute(db)
    return new KyselyStorage({ db })
  }
  testStorage((name, run) => t.test(name, run), createStorage)

  t.test('a token whose user is gone opens nothing', async (t) => {
    const db = new Kysely<{ vexa_users: object }>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    t.teardown(() => db.destroy())
    await sql`pragma foreign_keys = off`.execute(db)
    const storage = new KyselyStorage({ db })
    await storage.open()
    await storage.insertUser(user)
    await storage.insertToken(token)
    await db.deleteFrom('vexa_users').execute()
    t.equal(await storage.findTokenByHash(hash), undefined)
    t.equal(await storage.rotateToken('1', () => ({ expires_at: null, successor: { ...token, hash: Buffer.alloc(32, 1) } })), 'absent')
  })
})

t.test('SQLite: a file that cannot be written to stops the start', async (t) => {
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  await sql`pragma query_only = on`.execute(db)
  await t.rejects(new KyselyStorage({ db }).open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /readonly/ })
})

t.test('SQLite: an address that is refused costs no key', async (t) => {
  const storage = storageAt('sqlite::memory:')
  t.teardown(() => storage.close())
  await storage.open()
  await storage.insertUser(user)
  t.equal(await storage.insertUser(user), 'taken')
  t.match(await storage.insertUser({ ...user, email: 'c@d' }), { id: '2' })
})

t.test('PostgreSQL: tables in a schema, and drivers that parse as the app likes', { skip: await unavailable('postgres') }, async (t) => {
  const schema = tablePrefixAt(emptyPlace(t, 'postgres'))
  const asText = { getTypeParser: () => (value: string) => value }
  const pool = new pg.Pool({ connectionString: postgresUrl, types: asText as never, options: '-c timezone=Asia/Kolkata -c default_transaction_isolation=serializable' })
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  await db.schema.createSchema(schema).execute()
  t.teardown(() => db.schema.dropSchema(schema).cascade().execute())
  const storage = new KyselyStorage({ db: db.withPlugin(new CamelCasePlugin()).withSchema(schema) })
  await storage.open()
  const stored = { ...user, id: '1', disabled: false, revision: 0 }
  t.same(await storage.insertUser({ ...user, data: { a: 1 } }), { ...stored, data: { a: 1 } })
  t.match(await storage.insertToken(token), { id: '1' })
  t.match(await storage.findTokenByHash(hash), { token: { id: '1', created_at: user.created_at } })
  t.equal(await storage.countUsers(), 1)
  const tables = await db.introspection.getTables()
  t.same(tables.filter((table) => table.schema === schema).map(({ name }) => name).sort(), ['vexa_migrations', 'vexa_tokens', 'vexa_users'])
})

t.test('PostgreSQL: as many as there are connections may wait for each other, in whichever isolation', { skip: await unavailable('postgres') }, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const pool = new pg.Pool({ connectionString: postgresUrl, options: '-c default_transaction_isolation=serializable' })
  const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: tablePrefixAt(place) })
  t.teardown(() => storage.close())
  await storage.open()
  for (let n = 1; n <= 5; n++) await storage.insertUser({ ...user, email: `${n}@x` })
  for (let n = 1; n <= 50; n++) await storage.insertToken({ ...token, user_id: String(n % 5 + 1), hash: Buffer.alloc(32, n) })
  const ids = Array.from({ length: 50 }, (_, n) => String(n + 1))
  // Each of these locks several rows; in serializable transactions all but one of those that meet fail.
  await Promise.all(Array.from({ length: 20 }, (_, n) => [
    storage.touchTokens(n % 2 === 0 ? ids : ids.toReversed(), user.created_at),
    storage.updateUser(String(n % 5 + 1), { max_concurrent_bots: n }),
    n < 4 && storage.deleteUser(String(n + 1)),
    n < 4 && storage.deleteTokens(String(n + 1))
  ]).flat())
  t.same((await storage.listUsers({ order: 'asc', skip: 0, limit: 10 })).map(({ email }) => email), ['5@x'])
})

t.test('a connection that does not carry text as it is is refused', { skip: await unavailable('mysql') }, async (t) => {
  for (const [setting, options] of Object.entries({ charset: { charset: 'latin1' }, mode: {} })) {
    const pool = mysql.createPool({ uri: mysqlUrl, ...options })
    if (setting === 'mode') pool.on('connection', (connection) => { connection.query("set sql_mode = 'NO_BACKSLASH_ESCAPES'") })
    const storage = new KyselyStorage({ dialect: new MysqlDialect({ pool }), tablePrefix: 'refused_' })
    t.teardown(() => storage.close())
    await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /UTF-8.*NO_BACKSLASH_ESCAPES/ }, setting)
  }
})

t.test('MySQL: settings of the driver do not matter', { skip: await unavailable('mysql') }, async (t) => {
  for (const options of [{ timezone: '+05:30' }, { dateStrings: true }, { supportBigNumbers: true, bigNumberStrings: true }, { jsonStrings: true }, { flags: ['-FOUND_ROWS'] }]) {
    const place = emptyPlace(t, 'mysql')
    const pool = mysql.createPool({ uri: mysqlUrl, ...options })
    const storage = new KyselyStorage({ dialect: new MysqlDialect({ pool }), tablePrefix: tablePrefixAt(place) })
    t.teardown(() => storage.close())
    await storage.open()
    const stored = { ...user, data: { a: 1 }, id: '1', disabled: false, revision: 0 }
    t.same(await storage.insertUser({ ...user, data: { a: 1 } }), stored)
    t.same(await storage.updateUser('1', { name: user.name }), { ...stored, revision: 1 }, Object.keys(options).join())
    await storage.insertToken(token)
    await storage.touchTokens(['1'], user.created_at)
    t.match(await storage.findTokenByHash(hash), { token: { id: '1', user_id: '1', created_at: user.created_at, last_used_at: user.created_at }, user: { revision: 1 } })
  }
})

t.test('it wants one of dialect and db', async (t) => {
  const dialect = new SqliteDialect({ database: new Database(':memory:') })
  const either = { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: /either/ }
  t.throws(() => new KyselyStorage({} as never), either)
  const db = new Kysely({ dialect })
  t.teardown(() => db.destroy())
  t.throws(() => new KyselyStorage({ dialect, db } as never), either)
  await db.transaction().execute(async (db) => {
    t.throws(() => new KyselyStorage({ db }), { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: /transaction/ })
  })
})

t.test('a database that it does not know is refused', async (t) => {
  const dialect = (adapter: DialectAdapter) => ({
    createAdapter: () => adapter,
    createDriver: () => new DummyDriver(),
    createIntrospector: (db: Kysely<any>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler()
  })
  t.throws(() => new KyselyStorage({ dialect: dialect(new MssqlAdapter()) }), { code: 'VEXA_ADMIN_ERR_UNSUPPORTED_DATABASE', message: /MssqlAdapter/ })
})

/** What testStorage wants: makes empty storages, and others in their places. Two places take turns: making tables takes longer than the tests do. */
function emptyStorages (t: Test, database: DatabaseName): [createStorage: () => Promise<StorageAdapter>, options: TestStorageOptions] {
  const places = new WeakMap<StorageAdapter, string>()
  const open = (place: string) => {
    const storage = storageAt(place)
    places.set(storage, place)
    return storage
  }
  const options = { share: (storage: StorageAdapter) => storageAt(places.get(storage) as string) }
  if (database === 'sqlite') return [async () => open(emptyPlace(t, database)), options]
  const doors = [1, 2].map(() => {
    const place = emptyPlace(t, database)
    return { place, ...backDoor(t, place) }
  })
  let count = 0
  return [async () => {
    const { place, db, prefix } = doors[count++ % 2] as typeof doors[number]
    if (count > 2) for (const table of ['tokens', 'users']) await db.deleteFrom(prefix + table).execute()
    else await migrate(storageAt(place))
    return open(place)
  }, options]
}
