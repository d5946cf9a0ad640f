import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Kysely, sql } from 'kysely'
import t, { type Test } from 'tap'
import { SqliteDialect } from '../../../src/storage/sql/drivers/sqlite-dialect.js'
import { emptyPlace } from '../../support/databases.js'
import type { SqliteDatabase } from '../../../src/storage/sql/drivers/sqlite-driver.js'

interface Tables { numbers: { n: number } }

async function open (t: Test, around: (database: SqliteDatabase) => SqliteDatabase = (database) => database) {
  const database = new Database(':memory:', { timeout: 0 })
  const dialect = new SqliteDialect({
    open: async () => around(database), pragmas: ['foreign_keys = on'], busyTimeout: 100
  })
  const db = new Kysely<Tables>({ dialect })
  t.teardown(() => db.destroy())
  await sql`create table numbers (n integer check (n > 0))`.execute(db)
  const all = async () => (await db.selectFrom('numbers').select('n').orderBy('n').execute()).map(({ n }) => n)
  return { db, dialect, all, database }
}

t.test('SqliteDialect: returns the results that Kysely expects', async (t) => {
  const { db, all } = await open(t)
  const { insertId, numInsertedOrUpdatedRows } = await db.insertInto('numbers')
    .values([{ n: 1 }, { n: 2 }])
    .executeTakeFirstOrThrow()
  t.equal(insertId, 2n)
  t.equal(numInsertedOrUpdatedRows, 2n)
  t.equal((await db.deleteFrom('numbers').where('n', '=', 1).executeTakeFirstOrThrow()).numDeletedRows, 1n)
  t.same(await all(), [2])
  t.same((await db.introspection.getTables()).map(({ name }) => name), ['numbers'])
  await t.rejects(db.selectFrom('numbers').selectAll().stream().next(), { message: /not supported/ }, 'streaming')
})

t.test('transaction: excludes the statements of others until its end', async (t) => {
  const { db, all } = await open(t)
  const order: string[] = []
  const transaction = db.transaction().execute(async (trx) => {
    await trx.insertInto('numbers').values({ n: 1 }).execute()
    await sleep(20)
    await trx.insertInto('numbers').values({ n: 2 }).execute()
    order.push('transaction')
  })
  await sleep(5)
  const other = db.transaction().execute(async (trx) => {
    order.push('other')
    await trx.insertInto('numbers').values({ n: 3 }).execute()
  })
  const read = all().then((numbers) => { order.push('read'); return numbers })
  await Promise.all([transaction, other])
  t.match((await read).slice(0, 2), [1, 2])
  t.equal(order[0], 'transaction')
  t.same(await all(), [1, 2, 3])
})

t.test('transaction: does not wait for the write lock when it only reads', async (t) => {
  const begun: string[] = []
  const { db } = await open(t, (database) => ({
    get inTransaction () { return database.inTransaction },
    close: () => database.close(),
    prepare (text) {
      if (text.startsWith('begin')) begun.push(text)
      return database.prepare(text)
    }
  }))
  await db.transaction().setAccessMode('read only').execute((trx) => trx.selectFrom('numbers').selectAll().execute())
  await db.transaction().execute((trx) => trx.selectFrom('numbers').selectAll().execute())
  t.same(begun, ['begin', 'begin immediate'])
})

t.test('transaction: writes nothing when its callback throws', async (t) => {
  const { db, all, database } = await open(t)
  await t.rejects(db.transaction().execute(async (trx) => {
    await trx.insertInto('numbers').values({ n: 1 }).execute()
    throw new Error('no')
  }), { message: 'no' })
  t.equal(database.inTransaction, false)
  t.same(await all(), [])
})

t.test('transaction: ends with the error of SQLite when SQLite has rolled back', async (t) => {
  const { db, all } = await open(t)
  await t.rejects(db.transaction().execute(async (trx) => {
    await trx.insertInto('numbers').values({ n: 1 }).execute()
    await sql`insert or rollback into numbers (n) values (-1)`.execute(trx)
  }), { code: 'SQLITE_CONSTRAINT_CHECK' })
  t.same(await all(), [])
})

t.test('connection: rolls an open transaction back when it is released', async (t) => {
  const { db, all } = await open(t)
  await db.connection().execute(async (connection) => {
    await sql`begin`.execute(connection)
    await connection.insertInto('numbers').values({ n: 1 }).execute()
  })
  t.same(await all(), [])
})

t.test('execute: retries a busy statement until busyTimeout', async (t) => {
  const busy = { times: 3 }
  const { db, all } = await open(t, busyOnInsert(busy))
  await db.insertInto('numbers').values({ n: 1 }).execute()
  t.same(await all(), [1])
  busy.times = Infinity
  await t.rejects(db.insertInto('numbers').values({ n: 2 }).execute(), { code: 'SQLITE_BUSY_RECOVERY' })
  t.same(await all(), [1])
})

t.test('execute: returns a result at once, unless it must wait', async (t) => {
  const busy = { times: 0 }
  const { db, dialect, all } = await open(t, busyOnInsert(busy))
  const insert = (n: number) => db.insertInto('numbers').values({ n }).compile()
  const count = db.selectFrom('numbers').select(({ fn }) => fn.countAll<number>().as('count')).compile()
  t.match(dialect.execute(insert(1)), { numAffectedRows: 1n })
  t.same(dialect.execute(count), { rows: [{ count: 1 }] })
  t.same(dialect.executeTakeFirst(count), { count: 1 })
  t.equal(dialect.executeTakeFirst(db.selectFrom('numbers').select('n').where('n', '=', 9).compile()), undefined)
  t.throws(() => dialect.execute(insert(-1)), { code: 'SQLITE_CONSTRAINT_CHECK' })

  busy.times = 2
  t.match(await dialect.execute(insert(2)), { numAffectedRows: 1n }, 'it waits while the database is busy')

  const order: string[] = []
  const transaction = db.transaction().execute(async (trx) => {
    await trx.insertInto('numbers').values({ n: 3 }).execute()
    await sleep(20)
    order.push('transaction')
  })
  await sleep(5)
  const waiting = Promise.resolve(dialect.execute(count)).then(({ rows }) => { order.push('query'); return rows })
  t.same(await waiting, [{ count: 3 }], 'it waits for a transaction, and sees its changes')
  await transaction
  t.same(order, ['transaction', 'query'])
  t.same(await all(), [1, 2, 3])
})

t.test('execute: runs any number of different statements', async (t) => {
  const { db, all } = await open(t)
  for (let n = 1; n <= 450; n++) await sql`insert into numbers values (${sql.lit(n)})`.execute(db)
  t.equal((await all()).length, 450)
})

t.test('dataVersion: differs after a commit of another connection only, and is unknown in a transaction', async (t) => {
  const filename = emptyPlace(t, 'sqlite').slice('sqlite:'.length)
  const connect = (t: Test) => {
    const dialect = new SqliteDialect({
      open: async () => new Database(filename, { timeout: 0 }), pragmas: ['journal_mode = wal'], busyTimeout: 100
    })
    const db = new Kysely<Tables>({ dialect })
    t.teardown(() => db.destroy())
    return { db, dialect }
  }
  const [one, other] = [connect(t), connect(t)]
  await sql`create table numbers (n integer)`.execute(one.db)
  await sql`pragma user_version`.execute(other.db)
  const version = one.dialect.dataVersion()
  t.type(version, 'number')
  await one.db.insertInto('numbers').values({ n: 1 }).execute()
  t.equal(one.dialect.dataVersion(), version)
  await other.db.insertInto('numbers').values({ n: 2 }).execute()
  const later = one.dialect.dataVersion()
  t.not(later, version)
  t.equal(one.dialect.dataVersion(), later)
  await one.db.transaction().execute(async (trx) => {
    await trx.insertInto('numbers').values({ n: 3 }).execute()
    t.equal(one.dialect.dataVersion(), undefined)
  })
  t.equal(one.dialect.dataVersion(), later)
  await one.db.destroy()
  t.equal(one.dialect.dataVersion(), undefined)
})

t.test('destroy: makes a busy statement fail', async (t) => {
  const { db } = await open(t, busyOnInsert({ times: Infinity }))
  const insert = t.rejects(db.insertInto('numbers').values({ n: 1 }).execute(), { message: 'The database is closed' })
  await sleep(10)
  await db.destroy()
  await insert
})

t.test('destroy: makes a statement fail that waits for a transaction', async (t) => {
  const { db } = await open(t)
  await db.connection().execute(async (connection) => {
    await sql`begin`.execute(connection)
    const insert = t.rejects(db.insertInto('numbers').values({ n: 1 }).execute(), { message: 'The database is closed' })
    await sleep(10)
    await db.destroy()
    await insert
  })
})

t.test('init: closes the database when a pragma fails', async (t) => {
  const database = new Database(':memory:')
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ open: async () => database, pragmas: ['= nonsense'], busyTimeout: 0 })
  })
  await t.rejects(db.selectFrom('numbers').selectAll().execute(), { message: /syntax error/ })
  t.equal(database.open, false)
})

/** Returns a function that wraps a database. The next `times` inserts fail as if another process held the lock. */
function busyOnInsert (busy: { times: number }) {
  return failing('insert', busy, { code: 'SQLITE_BUSY_RECOVERY' })
}

/** Returns a function that wraps a database. The next `times` statements that start with `start` fail. */
function failing (start: string, faults: { times: number }, members: object) {
  return (database: SqliteDatabase): SqliteDatabase => ({
    get inTransaction () { return database.inTransaction },
    close: () => database.close(),
    prepare: (text) => {
      const statement = database.prepare(text)
      if (!text.startsWith(start)) return statement
      return {
        reader: false,
        columns: () => [],
        raw: () => {},
        get: () => undefined,
        all: () => [],
        run: (parameters) => {
          if (faults.times-- > 0) throw Object.assign(new Error('from SQLite'), members)
          return statement.run(parameters)
        }
      }
    }
  })
}

t.test('executeTogether: rolls back again when the first attempt fails', async (t) => {
  const { db, dialect, all, database } = await open(t, failing('rollback', { times: 1 }, {}))
  const insert = (n: number) => db.insertInto('numbers').values({ n }).compile()
  t.throws(() => dialect.executeTogether([insert(1), insert(0)]), { message: 'from SQLite' })
  t.equal(database.inTransaction, false)
  t.same(await all(), [])
})

t.test('executeTogether: no statement runs in a transaction that could not be rolled back', async (t) => {
  const { db, dialect, database } = await open(t, (database) => ({
    get inTransaction () { return database.inTransaction },
    close: () => database.close(),
    prepare (text) {
      if (text === 'rollback') throw new Error('the disk is gone')
      return database.prepare(text)
    }
  }))
  const insert = (n: number) => db.insertInto('numbers').values({ n }).compile()
  t.throws(() => dialect.executeTogether([insert(1), insert(0)]), { message: 'the disk is gone' })
  t.equal(database.inTransaction, true)
  let isDone = false
  const late = Promise.resolve(dialect.execute(insert(2))).then(() => { isDone = true })
  await sleep(20)
  t.equal(isDone, false)
  await db.destroy()
  await t.rejects(late, { message: /closed/ })
})
