import Database from 'better-sqlite3'
import { CamelCasePlugin, Kysely, MysqlAdapter, sql, SqliteDialect, DummyDriver, SqliteQueryCompiler, SqliteIntrospector } from 'kysely'
import t from 'tap'
import { KyselyStorage, type UserPage } from '../../src/index.js'

const user = { email: 'a@b', name: 'A', max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }
const hash = Buffer.alloc(32, 7)

t.test("over the host's own Kysely: its tables stand beside ours, its plugins do not matter, and it stays open", async (t) => {
  const db = new Kysely<{ projects: { projectName: string } }>({
    dialect: new SqliteDialect({ database: new Database(':memory:') }),
    plugins: [new CamelCasePlugin()]
  })
  t.teardown(() => db.destroy())
  await sql`create table projects (project_name text)`.execute(db)
  const storage = new KyselyStorage({ db, tablePrefix: 'admin_' })
  await storage.open()
  t.match(await storage.insertUser(user), { id: '1', ...user })
  await storage.close()
  await db.insertInto('projects').values({ projectName: 'x' }).execute()
  t.same((await db.introspection.getTables()).map(({ name }) => name).sort(), ['admin_migrations', 'admin_tokens', 'admin_users', 'projects'])
})

t.test('each method, on SQLite without foreign keys', async (t) => {
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  await sql`pragma foreign_keys = off`.execute(db)
  const storage = new KyselyStorage({ db })
  await storage.open()

  const first = { id: '1', ...user, disabled: false, revision: 0 }
  t.same(await storage.insertUser(user), first)
  t.equal(await storage.insertUser({ ...user, name: 'B' }), 'taken')
  const second = { id: '2' /* the refused one cost no key */, ...user, email: 'c@d', name: null, data: { a: [1, { b: '%' }] }, disabled: false, revision: 0 }
  t.same(await storage.insertUser({ ...user, email: 'c@d', name: null, data: { a: [1, { b: '%' }] } }), second)
  t.same(await storage.findUser('1'), first)
  t.same(await storage.findUser('2'), second)
  t.equal(await storage.findUser('3'), undefined)
  t.equal(await storage.findUser('x'), undefined)
  t.same(await storage.findUserByEmail('a@b'), first)
  t.equal(await storage.findUserByEmail('A@b'), undefined)

  const ids = async (page: Partial<UserPage>) => (await storage.listUsers({ order: 'asc', skip: 0, limit: 5, ...page })).map(({ id }) => id)
  t.same(await ids({ skip: 1 }), ['2'])
  t.same(await ids({ order: 'desc' }), ['2', '1'])
  t.same(await ids({ after: '1' }), ['2'])
  t.same(await ids({ after: '7', order: 'desc' }), ['2', '1'], 'behind a user who is gone')
  t.same(await ids({ after: 'x' }), [])
  t.same(await ids({ search: '@' }), ['1', '2'])
  t.same(await ids({ search: 'a' }), ['1'])
  t.same(await ids({ search: '%' }), [])
  t.equal(await storage.countUsers(), 2)
  t.equal(await storage.countUsers('c@'), 1)

  t.same(await storage.updateUser('1', {}), { ...first, revision: 1 })
  t.same(await storage.updateUser('1', { name: 'Zo\u00cb', disabled: true, data: { a: 1 }, max_concurrent_bots: 0 }, 1),
    { ...first, name: 'Zo\u00cb', disabled: true, data: { a: 1 }, max_concurrent_bots: 0, revision: 2 })
  t.same(await ids({ search: 'zo\u00eb' }), ['1'])
  t.equal(await storage.updateUser('1', { name: 'late' }, 1), 'absent', 'somebody else has changed it')
  t.equal(await storage.updateUser('1', { email: 'c@d' }), 'taken')
  t.equal(await storage.updateUser('3', { name: 'x' }), 'absent')
  t.equal(await storage.updateUser('x', { name: 'x' }), 'absent')
  t.match(await storage.updateUser('1', { name: null, disabled: false, data: null }), { name: null, disabled: false, data: null, revision: 3 })
  t.same(await ids({ search: 'zo\u00eb' }), [])

  const token = { user_id: '1', hash, name: null, scopes: null, expires_at: null, expires_in: null, created_at: user.created_at }
  const { hash: _, ...stored } = { ...token, id: '1', last_used_at: null }
  t.same(await storage.insertToken(token), stored)
  t.equal(await storage.insertToken({ ...token, user_id: '3', hash: Buffer.alloc(32, 8) }), 'absent')
  t.equal(await storage.insertToken({ ...token, user_id: 'x', hash: Buffer.alloc(32, 8) }), 'absent')
  await t.rejects(storage.insertToken({ ...token, user_id: '2' }), { code: 'SQLITE_CONSTRAINT_UNIQUE' })
  t.match(await storage.findTokenByHash(hash), { token: stored, user: { id: '1', email: 'a@b', revision: 3 } })
  t.equal(await storage.findTokenByHash(Buffer.alloc(32, 9)), undefined)
  t.same(await storage.listTokens('1'), [stored])
  t.same(await storage.listTokens('2'), [])
  t.same(await storage.listTokens('x'), [])

  await storage.touchTokens(['1', '9', 'x'], '2024-01-01T12:05:00.000Z')
  await storage.touchTokens(['1'], '2024-01-01T12:04:00.000Z')
  await storage.touchTokens(['x'], '2024-01-01T12:06:00.000Z')
  t.match(await storage.listTokens('1'), [{ last_used_at: '2024-01-01T12:05:00.000Z' }])

  const dies = '2024-01-01T12:30:00.000Z'
  const successor = (n: number) => ({ ...token, hash: Buffer.alloc(32, n), name: 'new', scopes: ['a'], expires_at: dies, expires_in: 60 })
  let seen: unknown
  t.equal(await storage.rotateToken('1', (old) => { seen = old; return 'refused' }), 'refused')
  t.match(seen, { id: '1', user_id: '1', expires_at: null, last_used_at: '2024-01-01T12:05:00.000Z' })
  t.match(await storage.rotateToken('1', () => ({ expires_at: dies, successor: successor(1) })),
    { id: '2', user_id: '1', name: 'new', scopes: ['a'], expires_at: dies, expires_in: 60, last_used_at: null })
  t.match(await storage.listTokens('1'), [{ id: '1', expires_at: dies }, { id: '2' }])
  t.match(await storage.rotateToken('2', () => ({ expires_at: null, successor: successor(2) })), { id: '3' })
  t.match((await storage.listTokens('1')).map(({ id }) => id), ['1', '3'])
  await t.rejects(storage.rotateToken('1', () => ({ expires_at: null, successor: successor(2) })), { message: /UNIQUE/ })
  await t.rejects(storage.rotateToken('1', () => { throw new Error('no') }), { message: 'no' })
  for (const id of ['2', '9', 'x']) t.equal(await storage.rotateToken(id, () => t.fail('there is nothing to replace') as never), 'absent')
  t.equal(await storage.rotateToken('1', () => ({ expires_at: null, successor: { ...successor(3), user_id: '3' } })), 'absent')
  t.equal((await storage.listTokens('1')).length, 2, 'all or nothing')

  t.equal(await storage.deleteToken('1'), true)
  t.equal(await storage.deleteToken('1'), false)
  t.equal(await storage.deleteToken('x'), false)
  await storage.deleteTokens('x')
  await storage.deleteTokens('2')
  t.equal((await storage.listTokens('1')).length, 1)
  await storage.deleteTokens('1')
  t.same(await storage.listTokens('1'), [])

  await storage.insertToken({ ...token, hash })
  t.equal(await storage.deleteUser('1'), true)
  t.equal(await storage.deleteUser('1'), false)
  t.equal(await storage.deleteUser('x'), false)
  t.same(await storage.listTokens('1'), [])
  t.equal(await storage.findTokenByHash(hash), undefined)
})

t.test('a token whose user is gone, where foreign keys are not enforced, opens nothing', async (t) => {
  const db = new Kysely<{ vexa_users: object }>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  await sql`pragma foreign_keys = off`.execute(db)
  const storage = new KyselyStorage({ db })
  await storage.open()
  await storage.insertUser(user)
  const token = { user_id: '1', hash, name: null, scopes: null, expires_at: null, expires_in: null, created_at: user.created_at }
  await storage.insertToken(token)
  await db.deleteFrom('vexa_users').execute()
  t.equal(await storage.findTokenByHash(hash), undefined)
  t.equal(await storage.rotateToken('1', () => ({ expires_at: null, successor: { ...token, hash: Buffer.alloc(32, 1) } })), 'absent')
})

t.test('a fault that is no conflict is thrown', async (t) => {
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  t.teardown(() => db.destroy())
  const storage = new KyselyStorage({ db })
  await storage.open()
  await sql`drop table vexa_users`.execute(db)
  await t.rejects(storage.updateUser('1', { name: 'x' }), { message: /no such table/ })
})

t.test('it wants one of dialect and db', async (t) => {
  const dialect = new SqliteDialect({ database: new Database(':memory:') })
  const either = { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: /either/ }
  t.throws(() => new KyselyStorage({} as never), either)
  t.throws(() => new KyselyStorage({ dialect, db: new Kysely({ dialect }) } as never), either)
})

t.test('a database that it does not know is refused', async (t) => {
  const storage = new KyselyStorage({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler()
    }
  })
  t.teardown(() => storage.close())
  await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_UNSUPPORTED_DATABASE', message: /MysqlAdapter/ })
})
