// The app calls the services while it holds a connection of the `db` that the storage shares.
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { CamelCasePlugin, Kysely, type DatabaseConnection } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage, type TokenService, type UserService } from '../../../src/index.js'
import {
  dialectAt, emptyPlace, longTestDatabases, tablePrefixAt, unavailable, type DatabaseName
} from '../../support/databases.js'
import { build, call } from '../../support/helpers.js'

const refused = { code: 'VEXA_ADMIN_ERR_IN_TRANSACTION', statusCode: 500, message: /before or after/ }

async function sharedApp (t: Test, database: DatabaseName) {
  const place = emptyPlace(t, database)
  const db = new Kysely<any>({ dialect: dialectAt(place), plugins: [new CamelCasePlugin()] })
  const app = await build(t, { storage: new KyselyStorage({ db, tablePrefix: tablePrefixAt(place) }) })
  t.teardown(() => db.destroy())
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async () => 'ok')
  const { id } = await app.vexaAdmin.users.create({ email: 'first@x' })
  const token = await app.vexaAdmin.tokens.create(id)
  const headers = { authorization: `Bearer ${token.token}` }
  return { app, db, place, id, token, guarded: () => app.inject({ url: '/me', headers }) }
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test("services: throw at once within the app's transaction, while other requests wait", async (t) => {
      const { app, db, id, token, guarded } = await sharedApp(t, database)
      const { users, tokens } = app.vexaAdmin
      let begun!: () => void
      const inTransaction = new Promise<void>((resolve) => { begun = resolve })
      const transaction = db.transaction().execute(async (trx) => {
        begun()
        await sleep(20)
        const calls: Record<`users.${keyof UserService}` | `tokens.${keyof TokenService}`, () => Promise<unknown>> = {
          'users.create': () => users.create({ email: 'new@x' }),
          'users.findOrCreate': () => users.findOrCreate({ email: 'new@x' }),
          'users.get': () => users.get(id),
          'users.getByEmail': () => users.getByEmail('first@x'),
          'users.list': () => users.list(),
          'users.update': () => users.update(id, { name: 'x' }),
          'users.edit': () => users.edit(id, () => ({ name: 'x' })),
          'users.delete': () => users.delete(id),
          'tokens.create': () => tokens.create(id),
          'tokens.get': () => tokens.get(token.id),
          'tokens.find': () => tokens.find(),
          'tokens.list': () => tokens.list(id),
          'tokens.update': () => tokens.update(token.id, { name: 'x' }),
          'tokens.revoke': () => tokens.revoke(token.id),
          'tokens.revokeAll': () => tokens.revokeAll(id),
          'tokens.rotate': () => tokens.rotate(token.id),
          'tokens.verify': () => tokens.verify({ token: token.token }),
          'tokens.prune': () => tokens.prune('2024-01-01T12:00:00Z')
        }
        for (const [name, make] of Object.entries(calls)) await t.rejects(make(), refused, name)
        const reply = await call(app, 'DELETE', `/admin/users/${id}`)
        t.match(reply.json(), { statusCode: 500, code: refused.code })
        t.notOk('retry-after' in reply.headers)
        await trx.selectNoFrom(({ val }) => val(1).as('one')).execute()
        throw new Error('undone')
      })
      await inTransaction
      const waiting = [guarded(), guarded()]
      await t.rejects(transaction, { message: 'undone' })
      t.same((await Promise.all(waiting)).map(({ statusCode }) => statusCode), [200, 200], 'requests of others')
      t.same((await users.list()).map(({ email }) => email), ['first@x'])
    })

    t.test('services: throw within a connection, and within a transaction of a derived db', async (t) => {
      const { app, db } = await sharedApp(t, database)
      const create = () => t.rejects(app.vexaAdmin.users.create({ email: 'new@x' }), refused)
      await db.connection().execute(create)
      await db.withPlugin(new CamelCasePlugin()).transaction().execute(create)
      await db.withoutPlugins().transaction().execute(create)
      await db.withSchema('elsewhere').connection().execute(create)
      await db.withSchema('elsewhere').withoutPlugins().connection().execute(create)
    })

    t.test('services: throw while a controlled transaction is open, and others wait', async (t) => {
      const { app, db, guarded } = await sharedApp(t, database)
      const elsewhere = AsyncLocalStorage.snapshot()
      const begin = async () =>
        await db.startTransaction().setIsolationLevel('read committed').setAccessMode('read write').execute()
      for (const end of ['commit', 'rollback'] as const) {
        const trx = await begin()
        await t.rejects(app.vexaAdmin.users.create({ email: `${end}@x` }), refused)
        const waiting = elsewhere(guarded)
        await sleep(20)
        await trx[end]().execute()
        t.equal((await waiting).statusCode, 200, 'a request of others')
        t.match(await app.vexaAdmin.users.create({ email: `${end}@x` }), { email: `${end}@x` })
      }
    })

    t.test('services: throw in a controlled transaction of a derived db, and in a stream', async (t) => {
      const { app, db } = await sharedApp(t, database)
      const create = (email: string) => app.vexaAdmin.users.create({ email })
      for (const derived of [
        db.withPlugin(new CamelCasePlugin()),
        db.withSchema('elsewhere').withoutPlugins(),
        db.withTables<{ other: { id: number } }>()
      ]) {
        const trx = await derived.startTransaction().execute()
        await t.rejects(create('new@x'), refused)
        await trx.rollback().execute()
      }
      t.match(await create('new@x'), { email: 'new@x' })
      // Kysely needs another package to stream from PostgreSQL.
      if (database === 'postgres') return
      let rows = 0
      for await (const row of db.selectNoFrom(({ val }) => val(1).as('one')).stream()) {
        await t.rejects(create('other@x'), refused)
        rows += row.one
      }
      t.equal(rows, 1)
      t.match(await create('other@x'), { email: 'other@x' })
    })

    t.test('services: accept calls of work that a transaction started, after its end', async (t) => {
      const { app, db } = await sharedApp(t, database)
      const { later } = await db.transaction()
        .execute(async () => ({ later: sleep(50).then(() => app.vexaAdmin.users.create({ email: 'late@x' })) }))
      t.match(await later, { email: 'late@x' })
      const failed = await db.transaction().execute(async () => {
        throw Object.assign(new Error('undone'), { later: sleep(50).then(() => app.vexaAdmin.users.list()) })
      })
        .catch(({ later }) => later)
      t.match(await failed, [{ email: 'first@x' }, { email: 'late@x' }])
    })

    t.test('KyselyStorage: throws for each storage over one db, and for no other db', async (t) => {
      const { app, db, place } = await sharedApp(t, database)
      const other = await sharedApp(t, database)
      const second = new KyselyStorage({ db: db.withPlugin(new CamelCasePlugin()), tablePrefix: tablePrefixAt(place) })
      await second.open()
      await db.transaction().execute(async () => {
        await t.rejects(second.findUser('1'), refused)
        await t.rejects(app.vexaAdmin.users.list(), refused)
        await t.rejects(new KyselyStorage({ db, tablePrefix: tablePrefixAt(place) }).open(), refused)
        t.equal((await other.app.vexaAdmin.users.list()).length, 1)
        t.match((await other.guarded()).statusCode, 200)
      })
      t.equal((await app.vexaAdmin.users.list()).length, 1)
    })
  })
}

t.test('getExecutor: returns an executor of the app that works as before', async (t) => {
  const { db } = await sharedApp(t, 'sqlite')
  const typeOfMethod = async (connection: DatabaseConnection) => typeof connection.executeQuery
  t.equal(await db.getExecutor().provideConnection(typeOfMethod), 'function')
  await t.rejects(db.getExecutor().provideConnection(async () => { throw new Error('mine') }), { message: 'mine' })
})
