import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { sqliteStorage } from '../../src/index.js'
import { run } from '../child.js'

const user = { email: 'a@b', name: null, max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }

t.test('a second start finds nothing to do, and what was there', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  for (const expected of ['1', 'taken']) {
    const storage = sqliteStorage({ filename })
    await storage.open()
    const inserted = await storage.insertUser(user)
    t.equal(inserted === 'taken' ? inserted : inserted.id, expected)
    await storage.close()
  }
})

t.test('six processes that start at once on an empty file all serve', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const children = Array.from({ length: 6 }, (_, i) =>
    run(t, 'test/fixtures/open-storage.ts', { args: [filename, `${i}@x`] }))
  t.same(await Promise.all(children.map((child) => child.exit)), Array(6).fill(0), children.map((child) => child.output()).join(''))
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await storage.open()
  t.same((await storage.listUsers({ order: 'asc', skip: 0, limit: 10 })).map(({ email }) => email).sort(), ['0@x', '1@x', '2@x', '3@x', '4@x', '5@x'])
})

t.test('twenty storages of one process that open at once on an empty file', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const storages = Array.from({ length: 20 }, () => sqliteStorage({ filename }))
  t.teardown(() => Promise.all(storages.map((storage) => storage.close())))
  await Promise.all(storages.map((storage) => storage.open()))
  const inserted = await Promise.all(storages.map((storage) => storage.insertUser(user)))
  t.equal(inserted.filter((outcome) => outcome !== 'taken').length, 1)
})

t.test('killed before any statement of its first start, the next start repairs the file', async (t) => {
  const directory = t.testdir()
  const survived = run(t, 'test/fixtures/die-migrating.ts', { args: [join(directory, 'all.db'), '0'] })
  const statements = Number((await survived.line(/^survived/)).split(' ')[1])
  t.ok(statements > 10)

  const deaths = Array.from({ length: statements }, (_, i) => i + 1)
  const die = async (n: number) => {
    const filename = join(directory, `${n}.db`)
    const child = run(t, 'test/fixtures/die-migrating.ts', { args: [filename, String(n)] })
    t.equal(await child.exit, 'SIGKILL', `statement ${n}`)
    const storage = sqliteStorage({ filename })
    await storage.open()
    t.match(await storage.insertUser(user), { id: '1' }, `after dying at statement ${n}`)
    await storage.close()
  }
  while (deaths.length > 0) await Promise.all(deaths.splice(0, 4).map(die))
})

t.test('a database of a newer version is refused, and not touched', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const first = sqliteStorage({ filename })
  await first.open()
  await first.close()
  const database = new Database(filename)
  t.teardown(() => database.close())
  database.exec("insert into vexa_migrations values (99, '2030-01-01T00:00:00.000Z')")
  const dump = () => JSON.stringify([database.prepare('select * from sqlite_schema').all(), database.prepare('select * from vexa_migrations').all()])
  const before = dump()

  for (const migrate of [true, false]) {
    const storage = sqliteStorage({ filename, migrate })
    t.teardown(() => storage.close())
    await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_DATABASE_TOO_NEW', message: /schema version 99/ })
  }
  t.equal(dump(), before)
})

t.test('migrate: false checks, and changes nothing', async (t) => {
  const directory = t.testdir()
  const filename = join(directory, 'admin.db')
  await t.rejects(sqliteStorage({ filename, migrate: false }).open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN' }, 'there is no file')
  t.same(readdirSync(directory), [])
  writeFileSync(filename, 'No database. '.repeat(100))
  const text = sqliteStorage({ filename, migrate: false })
  await t.rejects(text.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /not a database/ })
  await text.close()
  writeFileSync(filename, '')
  const database = new Database(filename)
  t.teardown(() => database.close())
  const unmigrated = sqliteStorage({ filename, migrate: false })
  await t.rejects(unmigrated.open(), { code: 'VEXA_ADMIN_ERR_DATABASE_NOT_MIGRATED', message: /schema version 0.* needs \d/ })
  await unmigrated.close()
  t.same(database.prepare('select * from sqlite_schema').all(), [])

  const migrating = sqliteStorage({ filename })
  await migrating.open()
  await migrating.close()
  const checking = sqliteStorage({ filename, migrate: false })
  t.teardown(() => checking.close())
  await checking.open()
  t.match(await checking.insertUser(user), { id: '1' })
})

t.test('a migration that fails is rolled back, and says why', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const database = new Database(filename)
  t.teardown(() => database.close())
  database.exec('create table vexa_tokens (something_else)')
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /vexa_tokens.* already exists/ })
  t.same(database.prepare('select name from sqlite_schema').pluck().all(), ['vexa_tokens'])
})

t.test('a database of the first version is upgraded, and keeps what it has', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const database = new Database(filename)
  t.teardown(() => database.close())
  database.exec(`
    create table vexa_migrations (version integer primary key, applied_at text not null);
    insert into vexa_migrations values (1, '2024-01-01T12:00:00.000Z');
    create table vexa_users (
      id integer primary key autoincrement, email text not null unique, name text, max_concurrent_bots integer not null, created_at text not null);
    create table vexa_tokens (
      id integer primary key autoincrement, user_id integer not null references vexa_users (id) on delete cascade, hash blob not null unique, created_at text not null);
    create index vexa_tokens_user_id on vexa_tokens (user_id);
    insert into vexa_users values (5, 'a@b', 'ÉMILE', 3, '2024-01-01T12:00:00.000Z'), (6, 'c@d', null, 3, '2024-01-01T12:00:00.000Z');
    insert into vexa_tokens values (7, 5, x'${'07'.repeat(32)}', '2024-01-01T12:00:00.000Z');`)
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await storage.open()
  t.same((await storage.listUsers({ order: 'asc', skip: 0, limit: 9, search: 'émile' })).map(({ id }) => id), ['5'])
  t.same(await storage.findTokenByHash(Buffer.alloc(32, 7)), {
    token: { id: '7', user_id: '5', name: null, scopes: null, expires_at: null, expires_in: null, last_used_at: null, created_at: user.created_at },
    user: { id: '5', email: 'a@b', name: 'ÉMILE', max_concurrent_bots: 3, disabled: false, data: null, revision: 0, created_at: user.created_at }
  })
})
