import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import {
  CamelCasePlugin, DummyDriver, Kysely, MssqlAdapter, MssqlIntrospector, MssqlQueryCompiler, MysqlDialect,
  PostgresDialect, sql, SqliteDialect, type Dialect
} from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t, { type Test } from 'tap'
import { testStorage, type TestStorageOptions } from '../../../src/storage/conformance/index.js'
import { KyselyStorage, migrateStorage, type StorageAdapter } from '../../../src/index.js'
import type { TokenFilter } from '../../../src/storage/storage-adapter.js'
import {
  backDoor, databaseNames, dialectAt, emptyPlace, lockToken, longTestDatabases, mysqlUrl, postgresUrl, storageAt,
  tablePrefixAt, unavailable, type DatabaseName
} from '../../support/databases.js'

const postgresOnly = { skip: await unavailable('postgres') }
const mysqlOnly = { skip: await unavailable('mysql') }

const user = { email: 'a@b', name: 'A', max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }
const hash = Buffer.alloc(32, 7)
const token = {
  user_id: '1',
  hash,
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  disabled: false,
  data: null,
  start: null,
  created_at: user.created_at
}

for (const database of longTestDatabases) {
  t.test(`KyselyStorage: passes the conformance suite on ${database}`, {
    skip: await unavailable(database)
  }, async (t) => {
    testStorage((name, run) => t.test(name, run), ...emptyStorages(t, database))
  })
}

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('KyselyStorage: throws when its connections are gone', async (t) => {
      const [createStorage, options] = storagesToDisconnect(t, database)
      testStorage((name, run) => name.startsWith('failing: ') && t.test(name, run), createStorage, options)
    })

    t.test("KyselyStorage: ignores the plugins of the app's Kysely and leaves it open", async (t) => {
      const place = emptyPlace(t, database)
      const tablePrefix = tablePrefixAt(place)
      const table = `${tablePrefix}Projects`
      const db = new Kysely<any>({ dialect: dialectAt(place), plugins: [new CamelCasePlugin()] })
      t.teardown(() => db.destroy())
      await db.schema.createTable(table).addColumn('projectName', 'text').execute()
      t.teardown(() => db.schema.dropTable(table).execute())
      const storage = new KyselyStorage({ db, tablePrefix })
      await storage.open()
      t.match(await storage.createUser(user), { id: '1', ...user })
      await storage.close()
      await db.insertInto(table).values({ projectName: 'x' }).execute()
      t.same(await db.selectFrom(table).selectAll().execute(), [{ projectName: 'x' }])
    })

    t.test('KyselyStorage: throws the errors that are no conflict', async (t) => {
      const place = emptyPlace(t, database)
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await storage.open()
      await storage.createUser(user)
      await storage.createToken(token)
      await t.rejects(storage.createToken(token), 'two tokens with one hash')
      const { db, prefix } = backDoor(t, place)
      await db.schema.dropTable(`${prefix}tokens`).execute()
      await db.schema.dropTable(`${prefix}users`).execute()
      await t.rejects(storage.createUser(user))
      await t.rejects(storage.updateUser('1', { name: 'x' }))
      await t.rejects(storage.createToken(token))
      await t.rejects(storage.deleteUser('1'))
    })
  })
}

t.test('SQLite without foreign keys: passes the conformance suite', async (t) => {
  const createStorage = async () => {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    t.teardown(() => db.destroy())
    await sql`pragma foreign_keys = off`.execute(db)
    return new KyselyStorage({ db })
  }
  testStorage((name, run) => t.test(name, run), createStorage)

  t.test('findTokenByHash: returns undefined when the user is gone', async (t) => {
    const db = new Kysely<{ vexa_users: object }>({
      dialect: new SqliteDialect({ database: new Database(':memory:') })
    })
    t.teardown(() => db.destroy())
    await sql`pragma foreign_keys = off`.execute(db)
    const storage = new KyselyStorage({ db })
    await storage.open()
    await storage.createUser(user)
    await storage.createToken(token)
    await db.deleteFrom('vexa_users').execute()
    t.equal(await storage.findTokenByHash(hash), undefined)
    t.equal(await storage.findToken('1'), undefined)
    t.same(await storage.listTokens({ order: 'asc', limit: 9 }), [])
    t.equal(await storage.rotateToken(
      '1', () => ({ expires_at: null, successor: { ...token, hash: Buffer.alloc(32, 1) } })
    ), 'absent')
  })
})

t.test('open: throws when SQLite cannot write to the file', async (t) => {
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  await sql`pragma query_only = on`.execute(db)
  await t.rejects(new KyselyStorage({ db }).open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /query_only is 1: nothing can be written/
  })
})

t.test('open: throws when an index of the app has the name of a table', async (t) => {
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  await sql`create table own (a integer)`.execute(db)
  await sql`create index vexa_migrations on own (a)`.execute(db)
  await t.rejects(new KyselyStorage({ db }).open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /already an index named vexa_migrations/
  })
})

t.test('createUser: uses up no key in SQLite when the address is taken', async (t) => {
  const storage = storageAt('sqlite::memory:')
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  t.equal(await storage.createUser(user), 'taken')
  t.match(await storage.createUser({ ...user, email: 'c@d' }), { id: '2' })
})

const parsers = {
  none: undefined,
  text: { getTypeParser: () => (value: string) => value },
  BigInt: {
    getTypeParser: (oid: number) => [20, 21, 23].includes(oid)
      ? BigInt
      : [114, 3802].includes(oid) ? () => 'parsed' : (value: string) => value
  }
}
const styles = ['German', 'SQL, DMY', 'SQL, MDY', 'Postgres, MDY', 'ISO, YMD']

t.test('KyselyStorage: returns the same records under any settings of PostgreSQL', postgresOnly, async (t) => {
  for (const [parser, types] of Object.entries(parsers)) {
    for (const style of styles) {
      const place = emptyPlace(t, 'postgres')
      const escaped = style.replace(' ', '\\ ')
      const pool = new pg.Pool({
        connectionString: postgresUrl,
        types: types as never,
        options: `-c datestyle=${escaped} -c timezone=Asia/Kolkata ` +
          '-c default_transaction_isolation=repeatable\\ read'
      })
      const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: tablePrefixAt(place) })
      t.teardown(() => storage.close())
      await storage.open()
      t.same(await everything(storage), expectedOfEverything, `${parser}, ${style}`)
    }
  }
})

t.test('open: succeeds when twenty storages open PostgreSQL at once, serializably', postgresOnly, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const storages = Array.from({ length: 20 }, () => {
    const pool = new pg.Pool({
      connectionString: postgresUrl, max: 1, options: '-c default_transaction_isolation=serializable'
    })
    return new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: tablePrefixAt(place) })
  })
  t.teardown(() => Promise.all(storages.map((storage) => storage.close())))
  await Promise.all(storages.map((storage) => storage.open()))
  const inserted = await Promise.all(storages.map((storage) => storage.createUser(user)))
  t.equal(inserted.filter((outcome) => outcome !== 'taken').length, 1)
})

t.test('updateUser: tries again when PostgreSQL rolls it back for another transaction', postgresOnly, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  const { db, prefix } = backDoor(t, place)
  // A sequence keeps its count after a rollback.
  const [counter, fail] = [sql.table(`${prefix}counter`), sql.table(`${prefix}fail`)]
  t.teardown(() => sql`drop sequence ${counter}`.execute(db))
  t.teardown(() => sql`drop function ${fail} cascade`.execute(db))
  await sql`create sequence ${counter}`.execute(db)
  await sql`create function ${fail}() returns trigger as ${sql.lit(`begin
    case nextval('${prefix}counter')
      when 1 then raise sqlstate '40001'; when 2 then raise sqlstate '40P01'; else return new;
    end case;
  end`)} language plpgsql`.execute(db)
  const users = sql.table(`${prefix}users`)
  await sql`create trigger fail before update on ${users} for each row execute function ${fail}()`.execute(db)
  t.match(await storage.updateUser('1', { name: 'B' }), { name: 'B' })
  t.same((await sql`select last_value::int as calls from ${counter}`.execute(db)).rows, [{ calls: 3 }])
})

t.test('revokeTokens: revokes the successor of a rotation in progress', postgresOnly, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  await storage.createToken(token)
  // The rotation waits for the token, and has not created its successor when the revocation starts.
  const release = await lockToken(t, place, 'token-1')
  const rotation = storage.rotateToken(
    '1', () => ({ expires_at: null, successor: { ...token, hash: Buffer.alloc(32, 8) } })
  )
  await sleep(50)
  const revocation = storage.revokeTokens('1')
  await sleep(50)
  await release()
  await Promise.all([rotation, revocation])
  t.equal(await storage.countTokens({ userId: '1' }), 0)
})

t.test('KyselyStorage: keeps its tables in the schema of the db', postgresOnly, async (t) => {
  const schema = tablePrefixAt(emptyPlace(t, 'postgres'))
  const pool = new pg.Pool({ connectionString: postgresUrl })
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  await db.schema.createSchema(schema).execute()
  t.teardown(() => db.schema.dropSchema(schema).cascade().execute())
  const storage = new KyselyStorage({ db: db.withPlugin(new CamelCasePlugin()).withSchema(schema) })
  await storage.open()
  t.same(await everything(storage), expectedOfEverything)
  // Kysely's introspection would fail if another test dropped its schema during the query.
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = ${schema} order by tablename`.execute(db)
  t.same(rows.map(({ name }) => name), [
    'vexa_audit', 'vexa_audit_last', 'vexa_migrations', 'vexa_tokens', 'vexa_users'
  ])
})

t.test('KyselyStorage: resolves conflicts of serializable transactions', postgresOnly, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const pool = new pg.Pool({ connectionString: postgresUrl, options: '-c default_transaction_isolation=serializable' })
  const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: tablePrefixAt(place) })
  t.teardown(() => storage.close())
  await storage.open()
  for (let n = 1; n <= 5; n++) await storage.createUser({ ...user, email: `${n}@x` })
  for (let n = 1; n <= 50; n++) {
    await storage.createToken({ ...token, user_id: String(n % 5 + 1), hash: Buffer.alloc(32, n) })
  }
  const ids = Array.from({ length: 50 }, (_, n) => String(n + 1))
  // Each of these locks several rows. Of serializable transactions that conflict, all but one fail.
  await Promise.all(Array.from({ length: 20 }, (_, n) => [
    storage.touchTokens(n % 2 === 0 ? ids : ids.toReversed(), user.created_at),
    storage.updateUser(String(n % 5 + 1), { max_concurrent_bots: n }),
    n < 4 && storage.deleteUser(String(n + 1)),
    n < 4 && storage.revokeTokens(String(n + 1))
  ]).flat())
  t.same((await storage.listUsers({ order: 'asc', skip: 0, limit: 10 })).map(({ email }) => email), ['5@x'])
})

t.test('open: throws when a connection to MySQL changes the text it sends', mysqlOnly, async (t) => {
  const settings = {
    "set sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'": /changes text.*UTF-8.*NO_BACKSLASH_ESCAPES/,
    'set names latin1': /changes text.*UTF-8/
  }
  for (const [setting, message] of Object.entries(settings)) {
    const pool = mysql.createPool({ uri: mysqlUrl, ...(setting.includes('latin1') && { charset: 'latin1' }) })
    pool.on('connection', (connection) => { connection.query(setting) })
    const storage = new KyselyStorage({ dialect: new MysqlDialect({ pool }), tablePrefix: 'refused_' })
    t.teardown(() => storage.close())
    await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message }, setting)
  }
})

t.test('KyselyStorage: throws unless it has either dialect or db', async (t) => {
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

t.test('KyselyStorage: throws when it does not know the database', async (t) => {
  const dialect = {
    createAdapter: () => new MssqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db: Kysely<any>) => new MssqlIntrospector(db),
    createQueryCompiler: () => new MssqlQueryCompiler()
  }
  t.throws(() => new KyselyStorage({ dialect }), {
    code: 'VEXA_ADMIN_ERR_UNSUPPORTED_DATABASE', message: /MssqlAdapter/
  })
})

/** Returns records of a storage that have values of every type. */
async function everything (storage: KyselyStorage) {
  await storage.createUser({ ...user, data: { a: 1 } })
  await storage.updateUser('1', { max_concurrent_bots: 7 })
  const { id: _, last_used_at: lastUsedAt, ...members } = storedToken
  await storage.createToken({ ...members, hash })
  await storage.touchTokens(['1'], lastUsedAt)
  const found = await storage.findTokenByHash(hash)
  await storage.updateUser('1', { disabled: true })
  const listed = await storage.listTokens({ order: 'asc', limit: 9, ...filterOfEverything })
  return [found, listed, await storage.findUser('1'), await storage.countUsers()]
}

const storedUser = { id: '1', ...user, max_concurrent_bots: 7, data: { a: 1 }, disabled: false, revision: 1 }
const storedToken = {
  id: '1',
  user_id: '1',
  name: null,
  scopes: ['a'],
  expires_at: '2038-01-19T03:14:08.001Z',
  expires_in: 60,
  disabled: true,
  data: { b: [null] },
  start: 'vex_aB3d',
  created_at: user.created_at,
  last_used_at: '2024-07-01T12:00:00.000Z'
}
const filterOfEverything: TokenFilter = {
  userId: '1', start: 'vex_aB', state: { is: 'disabled', at: user.created_at }, expiresBefore: '2039-01-01T00:00:00.000Z'
}
const listedToken = { token: storedToken, user: { id: '1', email: user.email, name: user.name } }
const expectedOfEverything = [
  { token: storedToken, user: storedUser }, [listedToken], { ...storedUser, disabled: true, revision: 2 }, 1
]

// The database still answers reads, as one does whose disk is full.
const refuseWrites: Record<DatabaseName, (prefix: string, table: string) => string[]> = {
  sqlite: (prefix, table) => ['insert', 'update', 'delete'].map((event) =>
    `create trigger ${prefix}${table}_${event} before ${event} on ${prefix}${table}
      begin select raise(abort, 'rejected'); end`),
  postgres: (prefix, table) => [
    `create or replace function ${prefix}refuse() returns trigger as $$
      begin raise exception 'rejected'; end $$ language plpgsql`,
    `create trigger refuse before insert or update or delete on ${prefix}${table} execute function ${prefix}refuse()`
  ],
  mysql: (prefix, table) => ['insert', 'update', 'delete'].map((event) =>
    `create trigger ${prefix}${table}_${event} before ${event} on ${prefix}${table}
      for each row signal sqlstate '45000' set message_text = 'rejected'`)
}

const allowWrites: Record<'postgres' | 'mysql', (prefix: string, table: string) => string[]> = {
  postgres: (prefix) => [`drop function if exists ${prefix}refuse() cascade`],
  mysql: (prefix, table) =>
    ['insert', 'update', 'delete'].map((event) => `drop trigger if exists ${prefix}${table}_${event}`)
}

const tables = ['tokens', 'users', 'audit']

async function executeAll (db: Kysely<any>, statements: string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/**
 * Returns the arguments of `testStorage`: functions that create empty storages, share them, and make their writes fail.
 * Two places take turns, because creating tables takes longer than the tests.
 */
function emptyStorages (
  t: Test,
  database: DatabaseName
): [createStorage: () => Promise<StorageAdapter>, options: TestStorageOptions] {
  const places = new WeakMap<StorageAdapter, string>()
  const open = (place: string) => {
    const storage = storageAt(place)
    places.set(storage, place)
    return storage
  }
  const placeOf = (storage: StorageAdapter) => places.get(storage) as string
  const refuse = async (storage: StorageAdapter, tables: string[]) => {
    const { db, prefix } = backDoor(t, placeOf(storage))
    await executeAll(db, tables.flatMap((table) => refuseWrites[database](prefix, table)))
  }
  const options: TestStorageOptions = {
    share: (storage) => storageAt(placeOf(storage)),
    fail: (storage) => refuse(storage, tables),
    failAudit: (storage) => refuse(storage, ['audit'])
  }
  if (database === 'sqlite') return [async () => open(emptyPlace(t, database)), options]
  const allow = (prefix: string) => tables.flatMap((table) => allowWrites[database](prefix, table))
  const doors = [1, 2].map(() => {
    const place = emptyPlace(t, database)
    const door = { place, ...backDoor(t, place) }
    t.teardown(() => executeAll(door.db, allow(door.prefix)))
    return door
  })
  let count = 0
  return [async () => {
    const { place, db, prefix } = doors[count++ % 2] as typeof doors[number]
    if (count > 2) await executeAll(db, [...allow(prefix), ...tables.map((table) => `delete from ${prefix}${table}`)])
    else await migrateStorage(storageAt(place))
    return open(place)
  }, options]
}

/** Returns the arguments of `testStorage` for storages whose connections the test can end. */
function storagesToDisconnect (
  t: Test,
  database: DatabaseName
): [createStorage: () => StorageAdapter, options: TestStorageOptions] {
  const disconnects = new WeakMap<StorageAdapter, () => unknown>()
  const make: Record<DatabaseName, (place: string) => [dialect: Dialect, disconnect: () => unknown]> = {
    sqlite: (place) => {
      const handle = new Database(place.replace('sqlite:', ''))
      return [new SqliteDialect({ database: handle }), () => handle.close()]
    },
    postgres: () => {
      const pool = new pg.Pool({ connectionString: postgresUrl })
      return [new PostgresDialect({ pool }), () => pool.end()]
    },
    mysql: () => {
      const pool = mysql.createPool({ uri: mysqlUrl })
      return [new MysqlDialect({ pool }), () => pool.promise().end()]
    }
  }
  const createStorage = () => {
    const place = emptyPlace(t, database)
    const [dialect, disconnect] = make[database](place)
    const storage = new KyselyStorage({ dialect, tablePrefix: tablePrefixAt(place) })
    disconnects.set(storage, disconnect)
    return storage
  }
  return [createStorage, { fail: async (storage) => { await disconnects.get(storage)?.() } }]
}
