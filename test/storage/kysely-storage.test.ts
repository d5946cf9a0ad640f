import Database from 'better-sqlite3'
import { CamelCasePlugin, Kysely, MysqlAdapter, sql, SqliteDialect, DummyDriver, SqliteQueryCompiler, SqliteIntrospector } from 'kysely'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'

const user = { email: 'a@b', name: 'A', max_concurrent_bots: 3, created_at: '2024-01-01T12:00:00.000Z' }
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
  t.same(await storage.insertUser(user), { id: '1', ...user })
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

  t.same(await storage.insertUser(user), { id: '1', ...user })
  t.equal(await storage.insertUser({ ...user, name: 'B' }), 'taken')
  t.same(await storage.insertUser({ ...user, email: 'c@d', name: null }), { id: '2' /* the refused one cost no key */, ...user, email: 'c@d', name: null })
  t.same(await storage.findUser('1'), { id: '1', ...user })
  t.equal(await storage.findUser('3'), undefined)
  t.equal(await storage.findUser('x'), undefined)
  t.same(await storage.findUserByEmail('a@b'), { id: '1', ...user })
  t.equal(await storage.findUserByEmail('A@b'), undefined)
  t.same((await storage.listUsers({ skip: 1, limit: 5 })).map(({ id }) => id), ['2'])

  const created = { created_at: user.created_at }
  t.same(await storage.insertToken({ user_id: '1', hash, ...created }), { id: '1', user_id: '1', ...created })
  t.equal(await storage.insertToken({ user_id: '3', hash: Buffer.alloc(32, 8), ...created }), 'absent')
  t.equal(await storage.insertToken({ user_id: 'x', hash: Buffer.alloc(32, 8), ...created }), 'absent')
  await t.rejects(storage.insertToken({ user_id: '2', hash, ...created }), { code: 'SQLITE_CONSTRAINT_UNIQUE' })
  t.same(await storage.listTokens('1'), [{ id: '1', user_id: '1', ...created }])
  t.same(await storage.listTokens('2'), [])
  t.same(await storage.listTokens('x'), [])
  t.equal(await storage.deleteToken('1'), true)
  t.equal(await storage.deleteToken('1'), false)
  t.equal(await storage.deleteToken('x'), false)
  t.same(await storage.listTokens('1'), [])
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
