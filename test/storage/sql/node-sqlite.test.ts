// The storage where better-sqlite3 cannot be loaded. These tests use node:sqlite itself where this Node.js has it.
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { loadNodeSqlite } from '../../../src/storage/sql/drivers/node-sqlite.js'
import { nameOfCode } from '../../../src/storage/sql/drivers/sqlite-codes.js'
import type { SqliteDatabase } from '../../../src/storage/sql/drivers/sqlite-driver.js'
import type { SqliteStorageOptions } from '../../../src/storage/sql/sqlite-storage.js'
import { run } from '../../support/child.js'
import { NodeDatabase, replaceNodeSqlite, resultCodes, withBetterSqlite } from '../../support/node-sqlite.js'

const created = '2024-01-01T12:00:00.000Z'
const user = { email: 'a@b', name: null, max_concurrent_bots: 3, data: null, created_at: created }

class Failing {
  constructor () {
    throw Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' })
  }
}

/** Opens a storage over node:sqlite, and closes it after the test. */
async function open (t: Test, options: SqliteStorageOptions) {
  replaceNodeSqlite(t, { DatabaseSync: NodeDatabase })
  const { sqliteStorage, locationOf } = await withBetterSqlite(t, Failing)
  const storage = sqliteStorage(options)
  t.teardown(() => storage.close())
  await storage.open()
  return { storage, location: locationOf(storage) }
}

t.test('node:sqlite: keeps users and tokens in a private file with a write-ahead log', async (t) => {
  const directory = t.testdir()
  // Characters that mean something else in a URL.
  const filename = join(directory, 'file: 50%41?mode=ro#é.db')
  const { storage, location } = await open(t, { filename: ` ${filename} ` })
  t.equal(location, filename)
  t.equal(statSync(filename).mode & 0o777, 0o600)
  t.match(await storage.createUser(user), { id: '1' })
  t.equal(await storage.createUser(user), 'taken')
  const hash = createHash('sha256').update('a value').digest()
  const token = {
    user_id: '1',
    hash,
    name: 'a token',
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: { some: 'data' },
    start: null,
    created_at: created
  }
  t.match(await storage.createToken(token), { id: '1' })
  await t.rejects(storage.createToken(token), { code: 'SQLITE_CONSTRAINT_UNIQUE' })
  t.equal(await storage.createToken({ ...token, user_id: '2' }), 'absent')
  const found = { token: { name: 'a token', data: { some: 'data' } }, user: { email: 'a@b' } }
  t.match(await storage.findTokenByHash(hash), found)
  t.equal(readdirSync(directory).length, 3, 'the file has a write-ahead log')
})

t.test('node:sqlite: a write waits for another process, and then fails as busy', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const { storage } = await open(t, { filename, busyTimeout: 500 })
  const holder = run(t, 'test/support/fixtures/hold-lock.ts', { args: [filename] })
  await holder.line(/locked/)
  let ticks = 0
  const timer = setInterval(() => { ticks++ }, 5)
  await t.rejects(storage.createUser(user), { code: 'SQLITE_BUSY' })
  clearInterval(timer)
  t.ok(ticks > 0, 'the event loop was not blocked')
  holder.process.kill('SIGKILL')
  await holder.exit
  t.match(await storage.createUser(user), { id: '1' })
})

t.test('node:sqlite: rejects a user whose key is above 2^53, and names the exact key', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const { storage } = await open(t, { filename })
  await storage.createUser(user)
  // The locks of better-sqlite3 and node:sqlite do not exclude each other within a process.
  const other = new NodeDatabase(filename)
  other.exec("update sqlite_sequence set seq = 9007199254740992 where name = 'vexa_users'")
  other.close()
  await t.rejects(storage.createUser({ ...user, email: 'c@d' }), { message: /key 9007199254740993/ })
})

t.test('node:sqlite: each :memory: is a separate database', async (t) => {
  for (let n = 0; n < 2; n++) {
    const { storage, location } = await open(t, { filename: ':memory:' })
    t.equal(location, ':memory:')
    t.match(await storage.createUser(user), { id: '1' })
  }
})

t.test('node:sqlite: migrate: false does not create a file', async (t) => {
  const directory = t.testdir()
  await t.rejects(open(t, { filename: join(directory, 'admin.db'), migrate: false }), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: `SQLite cannot open ${resolve(directory, 'admin.db')} (there is no such file`
  })
  const memory = open(t, { filename: ':memory:', migrate: false })
  await t.rejects(memory, { code: 'VEXA_ADMIN_ERR_DATABASE_NOT_MIGRATED' }, 'as with better-sqlite3')
  t.same(readdirSync(directory), [])
})

t.test('node:sqlite: a database that is only read rejects writes', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const writer = new NodeDatabase(filename)
  writer.exec('create table numbers (n)')
  writer.close()
  replaceNodeSqlite(t, { DatabaseSync: NodeDatabase })
  const database = loadNodeSqlite()?.(filename, { readonly: true }) as SqliteDatabase
  t.teardown(() => database.close())
  t.same(database.prepare('select * from numbers').all([]), [])
  t.throws(() => database.prepare('insert into numbers values (1)').run([]), { code: 'SQLITE_READONLY' })
  t.throws(() => database.prepare('nonsense'), { code: 'SQLITE_ERROR', message: /syntax error/ })
  const faulty = () => database.prepare('select ?').all([Symbol('a')])
  t.throws(faulty, { name: 'TypeError' }, 'an error without a result code stays as it is')
})

t.test('node:sqlite: is not used when it cannot tell whether a transaction is open', async (t) => {
  let closed = 0
  // As in Node.js 22.13.
  class DatabaseSync {
    close () { closed++ }
  }
  replaceNodeSqlite(t, { DatabaseSync })
  const { sqliteStorage } = await withBetterSqlite(t, Failing)
  await t.rejects(sqliteStorage({ filename: ':memory:' }).open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /better-sqlite3 is not installed: .* use Node.js 22\.16 or later/
  })
  t.equal(closed, 1)
})

t.test('node:sqlite: is not used when this Node.js cannot name its modules', async (t) => {
  // As in Node.js 20.15.
  t.intercept(process, 'getBuiltinModule', { value: undefined })
  t.equal(loadNodeSqlite(), undefined)
})

t.test('nameOfCode: has the names of all errors in the header of SQLite', async (t) => {
  const errors = [...resultCodes].filter(([name]) => !/^SQLITE_(OK|NOTICE|WARNING|ROW|DONE)/.test(name))
  t.ok(errors.length > 100)
  t.same(errors.map(([, code]) => nameOfCode(code)), errors.map(([name]) => name))
  t.equal(nameOfCode(10 + 200 * 256), 'SQLITE_IOERR', 'an extended code without a name')
  t.equal(nameOfCode(255), 'SQLITE_ERROR', 'a code without a name')
})
