import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import t from 'tap'
import { sqliteStorage } from '../../../src/index.js'
import { run } from '../../support/child.js'
import { adminKey, build, call } from '../../support/helpers.js'
import { withBetterSqlite } from '../../support/node-sqlite.js'

const user = { email: 'a@b', name: null, max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }

t.test('sqliteStorage: keeps its data in vexa-admin.db of the working directory by default', async (t) => {
  const directory = t.testdir()
  const previous = process.cwd()
  t.teardown(() => process.chdir(previous))
  process.chdir(directory)
  const storage = sqliteStorage()
  t.same(readdirSync(directory), [], 'the file does not exist before open')
  await storage.open()
  t.ok(readdirSync(directory).includes('vexa-admin.db'))
  await storage.close()
  t.same(readdirSync(directory), ['vexa-admin.db'], 'close writes the log into the file')
  await storage.close()
})

t.test('sqliteStorage: throws InvalidOptionError when an option is wrong', async (t) => {
  const wrong = [
    { filename: '' }, { filename: ' ' }, { filename: 1 }, { busyTimeout: -1 }, { busyTimeout: 0.5 },
    { busyTimeout: '1' }, { tablePrefix: 'a-b' }, { tablePrefix: 'x'.repeat(33) }, { tablePrefix: null },
    { migrate: 'false' }, { file: 'x.db' }, { filename: 'a\0b' }
  ]
  for (const options of wrong) {
    t.throws(() => sqliteStorage(options as never), { code: 'VEXA_ADMIN_ERR_INVALID_OPTION' }, JSON.stringify(options))
  }
})

t.test('open: rejects with the path when SQLite cannot open the file', async (t) => {
  const directory = t.testdir({ folder: {} })
  const cannotOpen = { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /cannot open/ }
  await t.rejects(sqliteStorage({ filename: join(directory, 'missing', 'admin.db') }).open(), cannotOpen)
  await t.rejects(sqliteStorage({ filename: join(directory, 'folder') }).open(), cannotOpen)
  await t.rejects(
    sqliteStorage({ filename: 'nowhere/admin.db' }).open(),
    { message: `SQLite cannot open ${resolve('nowhere/admin.db')}` }, 'the message has the whole path'
  )
  writeFileSync(join(directory, 'text.db'), 'This is not a database, however long it may be. '.repeat(100))
  const storage = sqliteStorage({ filename: join(directory, 'text.db') })
  await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /not a database/ })
  await storage.close()
  t.match(readFileSync(join(directory, 'text.db'), 'utf8'), /^This is not a database/)
})

t.test('file: holds no token value, as its bytes show', async (t) => {
  const directory = t.testdir()
  const app = await build(t, { storage: sqliteStorage({ filename: join(directory, 'admin.db') }) })
  await app.vexaAdmin.users.create({ email: 'findme@example.com' })
  const tokens: string[] = []
  for (let i = 0; i < 50; i++) tokens.push((await call(app, 'POST', '/admin/users/user-1/tokens')).json().token)
  await app.vexaAdmin.tokens.revoke('token-1')

  const read = () => Buffer.concat(readdirSync(directory).map((file) => readFileSync(join(directory, file))))
  const search = (bytes: Buffer) => {
    t.ok(bytes.includes('findme@example.com'), 'the search finds an address')
    for (const token of tokens) {
      for (const encoding of ['utf8', 'utf16le'] as const) {
        // The value, its random part, and each half of that.
        for (const part of [token, token.slice(4, 34), token.slice(4, 19), token.slice(19, 34)]) {
          if (bytes.includes(Buffer.from(part, encoding))) t.fail('the file holds a token value')
        }
      }
    }
    t.notOk(bytes.includes(adminKey))
  }
  t.ok(readdirSync(directory).includes('admin.db-wal'))
  search(read())
  await app.close()
  search(read())
})

t.test('file: only its owner can read it when links lead to it', async (t) => {
  const directory = t.testdir()
  symlinkSync('two', join(directory, 'one'))
  symlinkSync(join(directory, 'three.db'), join(directory, 'two'))
  const storage = sqliteStorage({ filename: join(directory, 'one') })
  await storage.open()
  t.equal(statSync(join(directory, 'three.db')).mode & 0o777, 0o600)
  await storage.close()
})

t.test('file: only its owner can read it, unless it existed before', async (t) => {
  const directory = t.testdir()
  const filename = join(directory, 'admin.db')
  const modes = () => readdirSync(directory)
    .map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)])
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const storage = sqliteStorage({ filename: ` ${filename} ` })
  await storage.open()
  await storage.createUser(user)
  t.same(modes(), [['admin.db', '600'], ['admin.db-shm', '600'], ['admin.db-wal', '600']])
  await storage.close()

  chmodSync(filename, 0o640)
  const again = sqliteStorage({ filename })
  await again.open()
  t.match(await again.findUser('1'), user)
  t.same(modes(), [['admin.db', '640'], ['admin.db-shm', '640'], ['admin.db-wal', '640']])
  await again.close()
})

t.test('file: holds no data of a user after deletion or update', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const storage = sqliteStorage({ filename })
  await storage.open()
  const addressOf = (n: number) => `user-${n * 7919 % 10007}@example.com`
  // Enough that SQLite splits and joins pages.
  for (let n = 1; n <= 400; n++) {
    await storage.createUser({
      ...user, email: addressOf(n), name: `Name ${n}.`, data: { secret: `data ${n}.`, more: 'x'.repeat(n % 3 * 3000) }
    })
    await storage.createToken({
      user_id: String(n),
      hash: Buffer.from(String(n).padStart(32, '0')),
      name: `Token ${n}.`,
      scopes: null,
      expires_at: null,
      expires_in: null,
      disabled: false,
      data: null,
      start: null,
      created_at: user.created_at
    })
  }
  for (let n = 1; n <= 400; n += 2) await storage.deleteUser(String(n))
  for (let n = 2; n <= 400; n += 4) {
    await storage.updateUser(String(n), {
      email: `changed-${n}@example.com`, name: null, data: null
    })
  }
  await storage.close()
  const bytes = readFileSync(filename)
  const left = Array.from({ length: 400 }, (_, i) => i + 1).filter(
    (n) => [addressOf(n), `Name ${n}.`, `data ${n}.`].some((text) => bytes.includes(text))
  )
  t.same(left, Array.from({ length: 100 }, (_, i) => 4 * i + 4))
  t.same(
    left.length * 2, Array.from({ length: 400 }, (_, i) => i + 1).filter((n) => bytes.includes(`Token ${n}.`)).length,
    'only tokens of remaining users are left'
  )
})

t.test('lock of another process: writes wait, reads and the event loop go on', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const app = await build(t, { storage: sqliteStorage({ filename }) })
  await app.vexaAdmin.users.create({ email: 'first@x' })
  const holder = run(t, 'test/support/fixtures/hold-lock.ts', { args: [filename] })
  await holder.line(/locked/)

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await sleep(20)
  let written = false
  const write = call(app, 'POST', '/admin/users', {
    payload: { email: 'second@x' }
  }).then((reply) => { written = true; return reply })
  const transaction = call(app, 'DELETE', '/admin/users/user-1')
  for (let i = 0; i < 20; i++) {
    t.same((await call(app, 'GET', '/admin/users')).json().map((user: { email: string }) => user.email), ['first@x'])
    await sleep(20)
  }
  t.equal(written, false)
  delay.disable()
  t.ok(
    delay.max < 2.5e9,
    `the event loop stood still for ${Math.round(delay.max / 1e6)} ms. SQLite's own timeout would take 5000 ms`
  )

  holder.process.kill('SIGKILL')
  t.equal((await write).statusCode, 201)
  t.equal((await transaction).statusCode, 204)
  t.same((await app.vexaAdmin.users.list()).map(({ email }) => email), ['second@x'])
})

t.test('lock of another process: returns 503 after busyTimeout, and 201 once it is free', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const app = await build(t, { storage: sqliteStorage({ filename, busyTimeout: 50 }) })
  const holder = run(t, 'test/support/fixtures/hold-lock.ts', { args: [filename] })
  await holder.line(/locked/)
  const create = () => call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })
  const rejected = await create()
  t.equal(rejected.statusCode, 503)
  t.equal(rejected.headers['retry-after'], '1')
  holder.process.kill('SIGKILL')
  await holder.exit
  t.equal((await create()).statusCode, 201)
})

t.test('tablePrefix: two storages with different prefixes share a file', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const [one, two] = ['one_', ''].map((tablePrefix) => sqliteStorage({ filename, tablePrefix }))
  for (const storage of [one, two]) {
    await storage?.open()
    t.match(await storage?.createUser(user), { id: '1' })
    t.teardown(() => storage?.close())
  }
})

t.test('createUser: rejects when the key is above 2^53', async (t) => {
  const filename = join(t.testdir(), 'keys.db')
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await storage.open()
  await storage.createUser(user)
  const database = new Database(filename)
  database.exec("update sqlite_sequence set seq = 9007199254740991 where name = 'vexa_users'")
  database.exec(`insert into vexa_users (id, email, max_concurrent_bots, created_at)
    values (9007199254740992, 'e@f', 1, '2024-01-01T12:00:00.000Z')`)
  t.equal(await storage.deleteUser('9007199254740993'), false)
  database.exec('delete from vexa_users where id > 1')
  database.close()
  await t.rejects(storage.createUser({ ...user, email: 'c@d' }), { message: /key 9007199254740992/ })
})

t.test('filename: each :memory: is a separate database', async (t) => {
  const [one, two] = [sqliteStorage({ filename: ':memory:' }), sqliteStorage({ filename: ':memory:' })]
  for (const storage of [one, two]) {
    await storage.open()
    t.match(await storage.createUser(user), { id: '1' })
    await storage.close()
  }
})

t.test('file: has a write-ahead log, full synchronisation, foreign keys, AUTOINCREMENT', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const opened: Database.Database[] = []
  const { sqliteStorage } = await withBetterSqlite(t, function (...args: ConstructorParameters<typeof Database>) {
    const database = new Database(...args)
    opened.push(database)
    return database
  })
  const storage = sqliteStorage({ filename })
  t.teardown(() => storage.close())
  await storage.open()
  const pragma = (name: string) => opened.at(-1)?.pragma(name, { simple: true })
  t.same([pragma('synchronous'), pragma('foreign_keys'), pragma('busy_timeout'), pragma('secure_delete')], [2, 1, 0, 1])
  const database = new Database(filename)
  t.teardown(() => database.close())
  t.equal(database.pragma('journal_mode', { simple: true }), 'wal')
  t.same(database.prepare('select name from sqlite_sequence').pluck().all(), [], 'the sequence table exists')
  t.equal(database.prepare("select count(*) from sqlite_schema where sql like '%autoincrement%'").pluck().get(), 3)
})
