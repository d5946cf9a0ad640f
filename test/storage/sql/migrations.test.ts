import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import Database from 'better-sqlite3'
import { PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage, migrateStorage, sqliteStorage } from '../../../src/index.js'
import { run } from '../../support/child.js'
import {
  backDoor, columnsAt, databaseNames, dialectAt, emptyPlace, postgresUrl, storageAt, tablePrefixAt, unavailable
} from '../../support/databases.js'
import { createEarlierSchema } from '../../support/earlier-schema.js'

const onPostgres = { skip: await unavailable('postgres') }
const onMysql = { skip: await unavailable('mysql') }

const user = { email: 'a@b', name: null, max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }
const firstUser = { ...user, disabled: false, revision: 0 }

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('open: keeps the data when the tables exist', async (t) => {
      const place = emptyPlace(t, database)
      for (const expected of [firstUser, 'taken']) {
        const storage = storageAt(place)
        await storage.open()
        t.match(await storage.createUser(user), expected)
        await storage.close()
      }
    })

    t.test('open: twenty storages of one process migrate an empty database at once', async (t) => {
      const place = emptyPlace(t, database)
      const storages = Array.from({ length: 20 }, () => storageAt(place))
      t.teardown(() => Promise.all(storages.map((storage) => storage.close())))
      await Promise.all(storages.map((storage) => storage.open()))
      const created = await Promise.all(storages.map((storage) => storage.createUser(user)))
      t.equal(created.filter((outcome) => outcome !== 'taken').length, 1)
    })
  })
}

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('open: rejects a newer database and leaves it unchanged', async (t) => {
      const place = emptyPlace(t, database)
      t.same(await migrateStorage(storageAt(place)), { from: 0, to: 5 })
      const { db, prefix } = backDoor(t, place)
      await db.insertInto(`${prefix}migrations`).values({
        version: 99, applied_at: '2030-01-01 00:00:00.000'
      }).execute()
      const dump = async () => [
        await columnsAt(t, place), await db.selectFrom(`${prefix}migrations`).selectAll().execute()
      ]
      const before = await dump()
      for (const migrate of [true, false]) {
        const storage = storageAt(place, { migrate })
        t.teardown(() => storage.close())
        await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_DATABASE_TOO_NEW', message: /schema version 99/ })
      }
      await t.rejects(migrateStorage(storageAt(place)), { code: 'VEXA_ADMIN_ERR_DATABASE_TOO_NEW' })
      t.same(await dump(), before)
    })

    t.test('migrate: false only checks, and migrateStorage migrates', async (t) => {
      const place = emptyPlace(t, database)
      const dialect = () => ({ dialect: dialectAt(place), tablePrefix: tablePrefixAt(place), migrate: false })
      const unmigrated = new KyselyStorage(dialect())
      await t.rejects(unmigrated.open(), {
        code: 'VEXA_ADMIN_ERR_DATABASE_NOT_MIGRATED', message: /schema version 0.* needs \d/
      })
      await unmigrated.close()
      t.same(await columnsAt(t, place), [])

      t.same(await migrateStorage(new KyselyStorage(dialect())), { from: 0, to: 5 })
      t.same(await migrateStorage(new KyselyStorage(dialect())), { from: 5, to: 5 })
      const storage = new KyselyStorage(dialect())
      t.teardown(() => storage.close())
      await storage.open()
      t.match(await storage.createUser(user), firstUser)
    })

    t.test('open: rejects when the app has a table of the same name, and leaves it unchanged', async (t) => {
      const place = emptyPlace(t, database)
      const { db, prefix } = backDoor(t, place)
      await db.schema.createTable(`${prefix}tokens`).addColumn('something_else', 'integer').execute()
      for (let start = 1; start <= 2; start++) {
        const storage = storageAt(place)
        await t.rejects(
          storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /_tokens.* already exists/ }, `start ${start}`
        )
        await storage.close()
      }
      t.same(
        (await columnsAt(t, place)).filter((column) => !column.startsWith('migrations.')), ['tokens.something_else']
      )
    })
  })
}

t.test('open: six processes migrate an empty database at once', async (t) => {
  const available: string[] = []
  for (const database of databaseNames) {
    if (await unavailable(database) === false) available.push(emptyPlace(t, database))
  }
  const children = Array.from(
    { length: 6 }, (_, i) => run(t, 'test/support/fixtures/open-storage.ts', { args: [`${i}@x`, ...available] })
  )
  t.same(
    await Promise.all(children.map((child) => child.exit)), Array(6).fill(0),
    children.map((child) => child.output()).join('')
  )
  for (const place of available) {
    const storage = storageAt(place)
    t.teardown(() => storage.close())
    await storage.open()
    t.same(
      (await storage.listUsers({ order: 'asc', skip: 0, limit: 10 })).map(({ email }) => email).sort(),
      ['0@x', '1@x', '2@x', '3@x', '4@x', '5@x'], place
    )
  }
})

t.test('migrate: false creates no SQLite file', async (t) => {
  const directory = t.testdir()
  const filename = join(directory, 'admin.db')
  await t.rejects(
    sqliteStorage({ filename, migrate: false }).open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN' }, 'no file'
  )
  t.same(readdirSync(directory), [])
  writeFileSync(filename, 'No database. '.repeat(100))
  const text = sqliteStorage({ filename, migrate: false })
  await t.rejects(text.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /not a database/ })
  await text.close()
})

t.test('SQLite: open upgrades a database of version 1 and keeps its data', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const database = new Database(filename)
  t.teardown(() => database.close())
  database.exec(`
    create table vexa_migrations (version integer primary key, applied_at text not null);
    insert into vexa_migrations values (1, '2024-01-01T12:00:00.000Z');
    create table vexa_users (
      id integer primary key autoincrement, email text not null unique, name text,
      max_concurrent_bots integer not null, created_at text not null);
    create table vexa_tokens (
      id integer primary key autoincrement, user_id integer not null references vexa_users (id) on delete cascade,
      hash blob not null unique, created_at text not null);
    create index vexa_tokens_user_id on vexa_tokens (user_id);
    insert into vexa_users values
      (5, 'a@b', 'ÉMILE', 3, '2024-01-01T12:00:00.000Z'), (6, 'c@d', null, 3, '2024-01-01T12:00:00.000Z');
    insert into vexa_tokens values (7, 5, x'${'07'.repeat(32)}', '2024-01-01T12:00:00.000Z');`)
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await storage.open()
  t.same((await storage.listUsers({ order: 'asc', skip: 0, limit: 9, search: 'émile' })).map(({ id }) => id), ['5'])
  t.same(await storage.findTokenByHash(Buffer.alloc(32, 7)), {
    token: {
      id: '7',
      user_id: '5',
      name: null,
      scopes: null,
      expires_at: null,
      expires_in: null,
      disabled: false,
      data: null,
      start: null,
      last_used_at: null,
      created_at: user.created_at
    },
    user: {
      id: '5',
      email: 'a@b',
      name: 'ÉMILE',
      max_concurrent_bots: 3,
      disabled: false,
      data: null,
      revision: 0,
      created_at: user.created_at
    }
  })
})

for (const database of databaseNames) {
  t.test(`${database}: open lets a search find the tokens of version 3`, {
    skip: await unavailable(database)
  }, async (t) => {
    const place = emptyPlace(t, database)
    const { db, prefix } = backDoor(t, place)
    await createEarlierSchema(db, prefix, 3)
    const time = '2024-01-01 12:00:00.000'
    await db.insertInto(`${prefix}users`).values({ email: 'a@b', max_concurrent_bots: 3, created_at: time }).execute()
    const rows = [null, 'ÉMILE', 'x'].map((name, i) => (
      { user_id: 1, hash: Buffer.alloc(32, i), name, created_at: time }
    ))
    await db.insertInto(`${prefix}tokens`).values(rows).execute()
    const storage = storageAt(place)
    t.teardown(() => storage.close())
    await storage.open()
    const found = await storage.listTokens({ order: 'asc', limit: 9, search: 'émile' })
    t.match(found, [{ token: { id: '2', name: 'ÉMILE' } }])
  })
}

t.test('PostgreSQL: open makes existing addresses compare byte by byte', onPostgres, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const { db, prefix } = backDoor(t, place)
  const collation = async () => (await sql<{ name: string }>`
    select collname as name from pg_attribute join pg_collation c on c.oid = attcollation
    where attrelid = ${prefix + 'users'}::regclass and attname = 'email'`.execute(db)).rows[0]?.name
  await createEarlierSchema(db, prefix, 2)
  t.equal(await collation(), 'default')
  const createUser = () => sql.raw(
    `insert into ${prefix}users (email, max_concurrent_bots, created_at) values ('somebody@x', 3, now())`
  ).execute(db)
  await createUser()
  // An index that does not find existing rows, like an index in another order.
  const index = (valid: boolean) => sql.raw(
    `update pg_index set indisready = ${valid} where indexrelid = '${prefix}users_email_key'::regclass`
  ).execute(db)
  await index(false)
  await createUser()
  await index(true)
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  const error = await storage.open().then(() => undefined, (error) => error)
  t.match(error, { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /several users have the same e-mail address/ })
  t.notMatch(inspect(error, { depth: 9, showHidden: true }), /somebody/)
  const query = /select .*/.exec(error.message)?.[0] as string
  t.match(
    (await sql.raw<{ array_agg: string[] }>(query).execute(db)).rows, [{ array_agg: ['1', '2'] }],
    'the query in the message finds them'
  )
  await db.deleteFrom(`${prefix}users`).where('id', '=', 2).execute()
  t.same(await migrateStorage(storageAt(place)), { from: 2, to: 5 })
  t.equal(await collation(), 'C')
})

t.test('PostgreSQL: migrateStorage says what to drop, or what PostgreSQL says', onPostgres, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const { db, prefix } = backDoor(t, place)
  await createEarlierSchema(db, prefix, 2)
  await sql.raw(`create view ${prefix}view as select email from ${prefix}users`).execute(db)
  t.teardown(() => sql.raw(`drop view if exists ${prefix}view`).execute(db))
  await t.rejects(migrateStorage(storageAt(place)), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: /used by a view.*: drop the views.* that use .*users\.email, start, and create them again/
  })

  const role = sql.id(`${prefix}role`)
  await sql`create role ${role}`.execute(db)
  t.teardown(async () => {
    await sql`drop owned by ${role}`.execute(db)
    await sql`drop role ${role}`.execute(db)
  })
  for (const table of ['users', 'tokens', 'migrations']) {
    await sql`grant all on ${sql.table(prefix + table)} to ${role}`.execute(db)
  }
  await sql`grant create on schema public to ${role}`.execute(db)
  const pool = new pg.Pool({ connectionString: postgresUrl, options: `-c role=${prefix}role` })
  await t.rejects(migrateStorage(new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: prefix })), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /must be owner/
  })
})

t.test('MySQL: open replaces an existing foreign key that cascades', onMysql, async (t) => {
  const place = emptyPlace(t, 'mysql')
  const { db, prefix } = backDoor(t, place)
  const rules = async () => {
    const { rows } = await sql<{ rule: string }>`
      select delete_rule as rule from information_schema.referential_constraints
      where constraint_schema = database() and table_name = ${prefix + 'tokens'}`.execute(db)
    return rows.map(({ rule }) => rule)
  }
  await createEarlierSchema(db, prefix, 2)
  t.same(await rules(), ['CASCADE'])

  const key = `${prefix}tokens_user_id_fk`
  await db.schema.alterTable(`${prefix}tokens`).dropConstraint(key).execute()
  // A token without a user, which a database holds that did not enforce foreign keys.
  await sql.raw(
    `insert into ${prefix}tokens (user_id, hash, created_at) values (99, repeat('x', 32), now())`
  ).execute(db)
  await db.insertInto(`${prefix}migrations`).values({ version: -3, applied_at: '2024-01-01 12:00:00.000' }).execute()
  t.same(await migrateStorage(storageAt(place)), { from: 2, to: 5 }, 'it completes a migration that was killed')
  t.same(await rules(), ['RESTRICT'])
  t.same(await db.selectFrom(`${prefix}tokens`).selectAll().execute(), [])

  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  await storage.createToken({
    user_id: '1',
    hash: Buffer.alloc(32),
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: user.created_at
  })
  t.equal(await storage.deleteUser('1'), true)
})

t.test('SQLite: open rejects when a newer version migrates at the same time', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const newer = new Database(filename)
  newer.exec(`pragma journal_mode = wal; begin immediate;
    create table vexa_migrations (version integer primary key, applied_at text not null);
    insert into vexa_migrations values (99, '2030-01-01T00:00:00.000Z')`)
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  const opening = storage.open()
  opening.catch(() => {})
  await sleep(100)
  newer.exec('commit')
  await t.rejects(opening, { code: 'VEXA_ADMIN_ERR_DATABASE_TOO_NEW' })
  t.same(newer.prepare("select name from sqlite_schema where type = 'table'").pluck().all(), ['vexa_migrations'])
  newer.close()
})

t.test('SQLite: open rejects when a table of the app has the name of the versions', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const app = new Database(filename)
  t.teardown(() => app.close())
  for (const version of [2, 99]) {
    app.exec(`drop table if exists migrations; create table migrations (version integer, name text);
      insert into migrations values (${version}, 'x')`)
    const storage = sqliteStorage({ filename, tablePrefix: '' })
    await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /applied_at/ })
    await storage.close()
  }
})

t.test('MariaDB: open waits while another process migrates', onMysql, async (t) => {
  const place = emptyPlace(t, 'mysql')
  const { db, prefix } = backDoor(t, place)
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  let opening: Promise<string> | undefined
  await db.connection().execute(async (connection) => {
    await sql`select get_lock(${`fastify-vexa-admin.${prefix}migrations`}, 0)`.execute(connection)
    opening = storage.open().then(() => 'open')
    t.equal(await Promise.race([opening, sql`select sleep(0.3)`.execute(connection).then(() => 'waiting')]), 'waiting')
    await sql`select release_lock(${`fastify-vexa-admin.${prefix}migrations`})`.execute(connection)
  })
  t.equal(await opening, 'open')
})
