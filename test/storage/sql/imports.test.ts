import Database from 'better-sqlite3'
import { Kysely, sql, SqliteDialect } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage } from '../../../src/index.js'
import { newEntry } from '../../../src/storage/conformance/audit-changes.js'
import { importUsers, tokenToImport, userToImport } from '../../../src/storage/conformance/imports.js'
import { createUser, newUser } from '../../../src/storage/conformance/records.js'
import { inParts } from '../../../src/storage/sql/batches.js'
import {
  backDoor, databaseNames, dialectAt, emptyPlace, storageAt, tablePrefixAt, unavailable, type DatabaseName
} from '../../support/databases.js'

/**
 * Opens a storage. `race` sets a function that runs once in each later import, after its look-ups and before it writes
 * into a table.
 */
async function openRacing (t: Test, database: DatabaseName, createDialect = dialectAt) {
  const place = emptyPlace(t, database)
  const dialect = createDialect(place)
  let rival: { table: string, run: () => unknown } | undefined
  const before = async (text: string) => {
    // SQLite has one writer at a time, so the rival runs before the transaction has written.
    const isInsert = text.startsWith('insert into') && text.includes(rival?.table ?? '?')
    if (database === 'sqlite' ? /^begin/i.test(text) : isInsert) await rival?.run()
  }
  const createDriver = () => {
    const driver = dialect.createDriver()
    const { acquireConnection } = driver
    driver.acquireConnection = async () => {
      const connection = await acquireConnection.call(driver)
      const { executeQuery } = connection
      connection.executeQuery = async (query) => {
        await before(query.sql)
        return await executeQuery.call(connection, query) as never
      }
      return connection
    }
    return driver
  }
  const storage = new KyselyStorage({
    dialect: {
      createDriver,
      createAdapter: () => dialect.createAdapter(),
      createIntrospector: (db: any) => dialect.createIntrospector(db),
      createQueryCompiler: () => dialect.createQueryCompiler()
    },
    tablePrefix: tablePrefixAt(place)
  })
  t.teardown(() => storage.close())
  await storage.open()
  const other = storageAt(place)
  t.teardown(() => other.close())
  await other.open()
  const race = (table: string, run: () => unknown) => { rival = { table, run } }
  return { storage, other, race, ...backDoor(t, place) }
}

t.test('inParts: cuts a list into powers of two, at most 128', async (t) => {
  for (const [length, lengths] of [[0, []], [1, [1]], [7, [4, 2, 1]], [300, [128, 128, 32, 8, 4]]] as const) {
    const items = Array.from({ length }, (_, n) => n)
    const parts = [...inParts(items)]
    t.same(parts.map(({ length }) => length), lengths)
    t.same(parts.flat(), items)
  }
})

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('importUsers: starts over when another call creates one of the users meanwhile', async (t) => {
      const { storage, other, race } = await openRacing(t, database)
      let rivals = 2
      race('users', async () => { if (rivals > 0) await other.createUser(newUser({ email: `${rivals--}@x` })) })
      const records = [1, 2, 3].map((n) => userToImport(n))
      const outcomes = await storage.importUsers({ records, dryRun: false }, newEntry('user.created'))
      t.same(outcomes.map((outcome) => typeof outcome === 'object' && outcome.created), [false, false, true])
      t.equal((await other.listAudit({ order: 'asc', limit: 10 })).length, 1)
      t.equal(await other.countUsers(), 3)
    })

    t.test('importUsers: throws when a unique column of the app rejects a user', async (t) => {
      const { storage, db, prefix } = await openRacing(t, database)
      await sql`create unique index ${sql.id(`${prefix}bots`)} on ${sql.table(`${prefix}users`)} (max_concurrent_bots)`
        .execute(db)
      const records = [userToImport(1), userToImport(2)]
      await t.rejects(storage.importUsers({ records, dryRun: false }), { message: /unique|duplicate/i })
      t.equal(await storage.countUsers(), 0)
    })

    t.test('importTokens: starts over when a user is deleted meanwhile', async (t) => {
      const { storage, other, race, db, prefix } = await openRacing(t, database)
      const [one, two] = await importUsers(storage, [userToImport(1), userToImport(2)])
      let isDeleted = false
      race('tokens', async () => {
        if (!isDeleted) await other.deleteUser(one?.id as string)
        isDeleted = true
      })
      const records = [tokenToImport(one?.id as string, 1), tokenToImport(two?.id as string, 2)]
      const outcomes = await storage.importTokens({ records, dryRun: false })
      const users = outcomes.map((outcome) => typeof outcome === 'string' ? outcome : outcome.token.user_id)
      t.same(users, ['absent', two?.id])
      t.equal((await db.selectFrom(`${prefix}tokens`).select('id').execute()).length, 1)
    })

    t.test('importUsers: keys continue after the largest one, and after none that is too large', async (t) => {
      const place = emptyPlace(t, database)
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await storage.open()
      const last = () => createUser(storage, { email: `${Math.random()}@x` }).then(({ id }) => Number(id))
      t.equal(await last(), 1)
      await importUsers(storage, [userToImport(1, { id: '50' }), userToImport(2, { id: '40' })])
      t.equal(await last(), 51)
      await importUsers(storage, [userToImport(3, { id: '45' })])
      t.equal(await last(), 52, 'a smaller key does not turn the counter back')
      await importUsers(storage, [userToImport(4, { id: '1000000000000000' })])
      t.equal(await last(), 10 ** 15 + 1)
      const keys = ['1000000000000009', '9007199254740993', '0', '-1', '01', 'x']
      const records = keys.map((id, n) => userToImport(n + 10, { id }))
      const outcomes = await storage.importUsers({ records, dryRun: false })
      t.same(outcomes, Array(6).fill('rejected'))
    })

    t.test('importUsers: concurrent calls use no key twice when keys are given', async (t) => {
      const place = emptyPlace(t, database)
      const storages = [storageAt(place), storageAt(place)] as const
      for (const storage of storages) {
        t.teardown(() => storage.close())
        await storage.open()
      }
      const results = await Promise.all(Array.from({ length: 12 }, async (_, n) => {
        const storage = storages[n % 2 as 0 | 1]
        if (n % 3 === 0) return importUsers(storage, [userToImport(n, { id: `${1000 - n}` })])
        return [await createUser(storage, { email: `${n}@x` })]
      }))
      const ids = results.flat().map(({ id }) => id)
      t.equal(new Set(ids).size, 12)
      t.ok(Number((await createUser(storages[0], { email: 'last@x' })).id) > 1000)
    })
  })
}

const withoutPostgres = await unavailable('postgres')

t.test('importUsers: continues the keys in the schema of the app', { skip: withoutPostgres }, async (t) => {
  const schema = `test_import_${process.pid}`
  const db = new Kysely<any>({ dialect: dialectAt('postgres:') })
  await db.schema.createSchema(schema).execute()
  t.teardown(async () => {
    await sql`drop schema ${sql.id(schema)} cascade`.execute(db)
    await db.destroy()
  })
  const storage = new KyselyStorage({ db: db.withSchema(schema), tablePrefix: 'Odd_' })
  await storage.open()
  await importUsers(storage, [userToImport(1, { id: '7' })])
  t.equal((await createUser(storage)).id, '8')
})

t.test('importTokens: leaves no orphan when SQLite does not enforce foreign keys', async (t) => {
  const { storage, other, race, db } = await openRacing(t, 'sqlite', (place) => {
    const database = new Database(place.replace('sqlite:', ''))
    database.pragma('foreign_keys = off')
    return new SqliteDialect({ database })
  })
  const [user] = await importUsers(storage, [userToImport(1)])
  race('tokens', () => other.deleteUser(user?.id as string))
  const records = [tokenToImport(user?.id as string, 1)]
  t.same(await storage.importTokens({ records, dryRun: false }), ['absent'])
  t.same(await db.selectFrom('vexa_tokens').select('id').execute(), [])
})

t.test('listHashedTokens: throws when the database has a hash that is not 32 bytes long', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  const [user] = await importUsers(storage, [userToImport(1)])
  const records = [tokenToImport(user?.id as string, 1)]
  await storage.importTokens({ records, dryRun: false })
  const { db } = backDoor(t, place)
  for (const hash of [Buffer.alloc(31), 'x'.repeat(32)]) {
    await db.updateTable('vexa_tokens').set({ hash }).execute()
    await t.rejects(storage.listHashedTokens({ userIds: [user?.id as string], limit: 1 }), /a hash that is not 32 bytes/)
  }
})
