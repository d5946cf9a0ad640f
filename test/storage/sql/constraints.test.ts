// Writes that a constraint rejects: one of our own tables, or one that the app adds.
import { sql, type Kysely } from 'kysely'
import t, { type Test } from 'tap'
import {
  backDoor, emptyPlace, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../../support/databases.js'
import { build, call } from '../../support/helpers.js'

const postgresOnly = { skip: await unavailable('postgres') }

/** Statements with which an app refers to our tables, for each database. `#` stands for the prefix. */
const references: Record<DatabaseName, Record<string, string>> = {
  sqlite: {
    plain: 'create table #bots (id integer primary key, ref integer references #TABLE (id))',
    restrict: 'create table #bots (id integer primary key, ref integer references #TABLE (id) on delete restrict)',
    deferred: `create table #bots (id integer primary key,
      ref integer references #TABLE (id) deferrable initially deferred)`
  },
  postgres: {
    plain: 'create table #bots (id int primary key, ref bigint references #TABLE (id))',
    restrict: 'create table #bots (id int primary key, ref bigint references #TABLE (id) on delete restrict)',
    deferred: 'create table #bots (id int primary key, ref bigint references #TABLE (id) deferrable initially deferred)'
  },
  mysql: {
    plain: `create table #bots (id int primary key, ref bigint,
      foreign key (ref) references #TABLE (id)) engine = InnoDB`,
    restrict: `create table #bots (id int primary key, ref bigint,
      foreign key (ref) references #TABLE (id) on delete restrict) engine = InnoDB`
  }
}

/** Creates an app over a new place, with its log and with direct access to the database. */
async function appAt (t: Test, database: DatabaseName) {
  const place = emptyPlace(t, database)
  const { db, prefix } = backDoor(t, place)
  const log: string[] = []
  const storage = storageAt(place)
  const app = await build(t, { storage }, {
    logger: { level: 'info', stream: { write: (line: string) => { log.push(line) } } }
  })
  const run = (text: string) => sql.raw(text.replaceAll('#', prefix)).execute(db as Kysely<any>)
  const drop = (name: string) => t.teardown(() => run(`drop table if exists #${name}`))
  return { app, storage, log, run, drop }
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('users: return 503, not 409, when a value of a unique column of the app is taken', async (t) => {
      const { app, log, run } = await appAt(t, database)
      await run(database === 'mysql'
        ? 'alter table #users add unique key only_one (name(100))'
        : 'create unique index #only_one on #users (name)')
      const { id } = await app.vexaAdmin.users.create({ email: 'a@b', name: 'A' })
      await app.vexaAdmin.users.create({ email: 'c@d', name: 'C' })
      for (const [method, url, payload] of [
        ['POST', '/admin/users', { email: 'new@b', name: 'A' }],
        ['PATCH', `/admin/users/${id}`, { name: 'C' }],
        ['PATCH', `/admin/users/${id}`, { name: 'C', email: 'free@b' }]
      ] as const) {
        const reply = await call(app, method, url, { payload })
        t.equal(reply.statusCode, 503, `${method} ${JSON.stringify(payload)}`)
        t.equal(reply.headers['retry-after'], '1')
        t.match(log.at(-2), /"level":50.*"storageCode":/, 'it is logged')
      }
      t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'c@d', name: 'other' } })).statusCode, 409)
      t.equal((await call(app, 'PATCH', `/admin/users/${id}`, { payload: { email: 'c@d' } })).statusCode, 409)
      const own = await call(app, 'PATCH', `/admin/users/${id}`, { payload: { email: 'a@b', name: 'B' } })
      t.equal(own.statusCode, 200, 'its own address is not taken')
    })

    for (const [kind, create] of Object.entries(references[database])) {
      t.test(`users.delete: returns 409 when rows of the app refer to the user (${kind})`, async (t) => {
        const { app, run, drop } = await appAt(t, database)
        const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
        const { token } = await app.vexaAdmin.tokens.create(id)
        await run(create.replace('TABLE', 'users'))
        drop('bots')
        await run('insert into #bots values (1, 1)')
        const reply = await call(app, 'DELETE', `/admin/users/${id}`)
        t.match(reply.json(), {
          statusCode: 409, code: 'VEXA_ADMIN_ERR_USER_REFERENCED', message: /delete those rows first/
        })
        t.notOk('retry-after' in reply.headers)
        await t.rejects(app.vexaAdmin.users.delete(id), { code: 'VEXA_ADMIN_ERR_USER_REFERENCED', statusCode: 409 })
        const verification = await app.vexaAdmin.tokens.verify({ token: token as string })
        t.match(verification, { valid: true }, 'its tokens are kept, too')
        await run('delete from #bots')
        t.equal((await call(app, 'DELETE', `/admin/users/${id}`)).statusCode, 204)
      })

      t.test(`tokens.revoke: returns 409 when rows of the app refer to the token (${kind})`, async (t) => {
        const { app, run, drop } = await appAt(t, database)
        const { id: userId } = await app.vexaAdmin.users.create({ email: 'a@b' })
        const [one, two] = [await app.vexaAdmin.tokens.create(userId), await app.vexaAdmin.tokens.create(userId)]
        await run(create.replace('TABLE', 'tokens'))
        drop('bots')
        await run('insert into #bots values (1, 1)')
        const referenced = {
          statusCode: 409, code: 'VEXA_ADMIN_ERR_TOKEN_REFERENCED', message: /delete those rows first/
        }
        for (const [method, url] of [
          ['DELETE', `/admin/tokens/${one.id}`],
          ['DELETE', `/admin/users/${userId}/tokens`],
          ['POST', `/admin/tokens/${one.id}/rotate`]
        ] as const) {
          const reply = await call(app, method, url)
          t.match(reply.json(), referenced, `${method} ${url}`)
          t.notOk('retry-after' in reply.headers)
        }
        const deletion = await call(app, 'DELETE', `/admin/users/${userId}`)
        t.match(deletion.json(), { code: 'VEXA_ADMIN_ERR_USER_REFERENCED' })
        for (const { token } of [one, two]) t.match(await app.vexaAdmin.tokens.verify({ token }), { valid: true })
        t.equal((await app.vexaAdmin.tokens.list(userId)).length, 2)
        const rotation = await call(app, 'POST', `/admin/tokens/${one.id}/rotate`, { payload: { grace_period: 60 } })
        t.equal(rotation.statusCode, 201, 'with a grace period it stays')
        await run('delete from #bots')
        t.equal((await call(app, 'DELETE', `/admin/users/${userId}/tokens`)).statusCode, 204)
        t.same(await app.vexaAdmin.tokens.list(userId), [])
      })
    }

    for (const [kind, create] of Object.entries(references[database])) {
      t.test(`pruneTokens: leaves tokens to which rows of the app refer (${kind})`, async (t) => {
        const { app, storage, run, drop } = await appAt(t, database)
        await app.vexaAdmin.users.create({ email: 'a@b' })
        for (let n = 1; n <= 9; n++) {
          await storage.createToken({
            user_id: '1',
            hash: Buffer.alloc(32, n),
            name: null,
            scopes: null,
            expires_at: '2024-01-01T12:00:00.000Z',
            expires_in: null,
            disabled: false,
            data: null,
            start: null,
            created_at: '2024-01-01T11:00:00.000Z'
          })
        }
        await run(create.replace('TABLE', 'tokens'))
        drop('bots')
        await run('insert into #bots values (1, 1), (2, 6), (3, 7)')
        const prune = () => storage.pruneTokens({ expiredBefore: '2024-01-02T12:00:00.000Z', limit: 9 })
        t.same(await prune(), { deleted: 6, last: '9' })
        const left = await storage.listTokens({ order: 'asc', limit: 9 })
        t.same(left.map(({ token }) => token.id), ['1', '6', '7'])
        t.same(await prune(), { deleted: 0, last: '7' })
        await run('delete from #bots')
        t.same(await prune(), { deleted: 3, last: '7' })
      })
    }

    t.test('users.update: returns 409 when rows of the app refer to the address', async (t) => {
      const { app, run, drop } = await appAt(t, database)
      const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
      const type = database === 'mysql' ? 'varchar(254) character set utf8mb4 collate utf8mb4_bin' : 'text'
      await run(`create table #bots (email ${type}, foreign key (email) references #users (email))`)
      drop('bots')
      await run("insert into #bots values ('a@b')")
      const reply = await call(app, 'PATCH', `/admin/users/${id}`, { payload: { email: 'c@d' } })
      t.match(reply.json(), { statusCode: 409, code: 'VEXA_ADMIN_ERR_USER_REFERENCED' })
      t.notOk('retry-after' in reply.headers)
      const renamed = await call(app, 'PATCH', `/admin/users/${id}`, { payload: { name: 'A' } })
      t.match(renamed.json(), { email: 'a@b', name: 'A' })
    })

    t.test('tokens.create: returns 503, not 404, when a foreign key of the app is violated', async (t) => {
      const { app, run, drop } = await appAt(t, database)
      const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
      await run(`create table #plans (id ${database === 'sqlite' ? 'integer' : 'int'} primary key)`)
      drop('plans')
      // The tokens go first, because their foreign key refers to the plans.
      drop('tokens')
      if (database === 'sqlite') await run('pragma foreign_keys = off')
      const inline = database === 'mysql' ? '' : 'references #plans (id)'
      await run(`alter table #tokens add column plan_id int default 7 ${inline}`)
      if (database === 'mysql') await run('alter table #tokens add foreign key (plan_id) references #plans (id)')
      const reply = await call(app, 'POST', `/admin/users/${id}/tokens`)
      t.match(reply.json(), { statusCode: 503, code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
      t.equal((await call(app, 'POST', '/admin/users/user-99/tokens')).statusCode, 404)
      await run('insert into #plans values (7)')
      t.equal((await call(app, 'POST', `/admin/users/${id}/tokens`)).statusCode, 201)
    })
  })
}

t.test('users.create: returns 503 when a restored sequence gives out a key again', postgresOnly, async (t) => {
  const { app, log, run } = await appAt(t, 'postgres')
  await run("insert into #users (id, email, max_concurrent_bots, created_at) values (1, 'a@b', 3, now())")
  const reply = await call(app, 'POST', '/admin/users', { payload: { email: 'new@b' } })
  t.match(reply.json(), { statusCode: 503, code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
  t.match(log.at(-2), /"storageCode":"23505"/)
  await run("select setval(pg_get_serial_sequence('#users', 'id'), max(id)) from #users")
  t.match((await call(app, 'POST', '/admin/users', { payload: { email: 'new@b' } })).json(), { id: 'user-2' })
})

t.test('users.create: returns 503 when a trigger of the app drops the row', postgresOnly, async (t) => {
  const { app, run } = await appAt(t, 'postgres')
  await run('create function #skip() returns trigger as $$ begin return null; end $$ language plpgsql')
  t.teardown(() => run('drop function #skip cascade'))
  await run('create trigger skip before insert on #users for each row execute function #skip()')
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'new@b' } })).statusCode, 503)
})
