import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Kysely, sql, type Dialect } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { dialectFor, poolSize } from '../support/databases.js'
import { build, call } from '../support/helpers.js'
import { startServer, uninstalled } from '../support/servers.js'

const killOthers = {
  postgres: async (db: Kysely<any>) => {
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and backend_type = 'client backend'`.execute(db)
  },
  mysql: async (db: Kysely<any>) => {
    const { rows } = await sql<{ id: number }>`
      select id from information_schema.processlist where id <> connection_id() and user = 'root'`.execute(db)
    for (const { id } of rows) await sql.raw(`kill ${id}`).execute(db).catch(() => {})
  }
}

for (const database of ['postgres', 'mysql'] as const) {
  t.test(database, { skip: uninstalled(database) }, async (t) => {
    const server = await startServer(t, database)
    const dialect = () => dialectFor(database, server.url)

    t.test('returns 503 and loses no write when the server crashes under load', async (t) => {
      const load = await startLoad(t, dialect(), 'crash_')
      for (let round = 1; round <= 2; round++) {
        await load.until(() => load.counts[200] > 50)
        await server.crash()
        load.reset()
        await load.until(() => load.counts[503] > 50)
        t.equal(load.counts[200], 0, 'no request succeeds without the server')
        await server.start()
        load.reset()
      }
      await load.until(() => load.counts[200] > 50 && load.counts[201] > 5)
      await load.stop()
      t.comment(`the event loop was blocked for at most ${load.heldFor()} ms`)
      const emails = new Set((await load.app.vexaAdmin.users.list({ limit: 1000 })).map(({ email }) => email))
      t.same(
        load.created.filter((email) => !emails.has(email)),
        [],
        `all of ${load.created.length} acknowledged users are there`
      )
    })

    t.test('returns only 200 and 503 when connections are killed under load', async (t) => {
      const load = await startLoad(t, dialect(), 'kill_')
      const db = new Kysely<any>({ dialect: dialect() })
      t.teardown(() => db.destroy())
      for (let round = 0; round < 10; round++) {
        load.reset()
        await load.until(() => load.counts[200] > 20)
        await killOthers[database](db)
      }
      load.reset()
      await load.until(() => load.counts[200] > 50 && load.counts[201] > 5)
      await load.stop()
      // Now all of them are idle.
      await killOthers[database](db)
      await sleep(50)
      const statuses: number[] = []
      for (let n = 0; n <= poolSize && statuses.at(-1) !== 200; n++) statuses.push((await load.use()).statusCode)
      t.equal(statuses.pop(), 200)
      t.same(statuses, Array(statuses.length).fill(503), 'each dead connection fails at most one request')
    })

    t.test('returns 503 after storageTimeout when all connections are taken', async (t) => {
      const db = new Kysely<any>({ dialect: dialect() })
      t.teardown(() => db.destroy())
      const app = await build(t, { storage: new KyselyStorage({ db, tablePrefix: 'pool_' }), storageTimeout: 600 })
      app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
      const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
      const { token } = await app.vexaAdmin.tokens.create(id)
      const use = () => app.inject({ url: '/me', headers: { 'x-api-key': token } })

      let release!: () => void
      const released = new Promise<void>((resolve) => { release = resolve })
      const taken = Array.from({ length: poolSize }, () => db.connection().execute(() => released))
      for (const reply of await Promise.all([
        use(),
        use(),
        call(app, 'GET', '/admin/users'),
        call(app, 'POST', '/admin/users', { payload: { email: 'c@d' } })
      ])) {
        t.equal(reply.statusCode, 503)
        t.equal(reply.headers['retry-after'], '1')
      }
      release()
      await Promise.all(taken)
      t.equal((await use()).statusCode, 200)
    })

    t.test('returns 503 after storageTimeout when the server hangs', async (t) => {
      const app = await build(t, {
        storage: new KyselyStorage({ dialect: dialect(), tablePrefix: 'hang_' }),
        storageTimeout: 600
      })
      await app.vexaAdmin.users.create({ email: 'a@b' })
      const db = new Kysely<any>({ dialect: dialect() })
      t.teardown(() => db.destroy())
      await db.connection().execute(async (connection) => {
        await (database === 'mysql'
          ? sql`lock tables hang_users write`
          : sql`begin; lock table hang_users in access exclusive mode`).execute(connection)
        t.equal((await call(app, 'GET', '/admin/users')).statusCode, 503)
        await (database === 'mysql' ? sql`unlock tables` : sql`rollback`).execute(connection)
      })
      t.equal((await call(app, 'GET', '/admin/users')).statusCode, 200)
    })

    t.test('throws VEXA_ADMIN_ERR_STORAGE_OPEN at the start when the server is down', async (t) => {
      await server.crash()
      const storage = new KyselyStorage({ dialect: dialect() })
      await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /ECONNREFUSED/ })
      await storage.close()
    })
  })
}

/** Starts an app and twelve clients that use tokens and create users until `stop`. */
async function startLoad (t: Test, dialect: Dialect, tablePrefix: string) {
  const app: FastifyInstance = await build(t, { storage: new KyselyStorage({ dialect, tablePrefix }) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const [valid, revoked] = [await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)]
  await app.vexaAdmin.tokens.revoke(revoked.id)
  const use = (token = valid.token) => app.inject({ url: '/me', headers: { 'x-api-key': token } })

  const counts = { 200: 0, 201: 0, 401: 0, 503: 0 }
  const created: string[] = []
  const stopping = new AbortController()
  const count = (statusCode: number, expected: number) => {
    if (statusCode === expected || statusCode === 503) counts[statusCode as keyof typeof counts]++
    else t.fail(`${statusCode} instead of ${expected} or 503`)
  }
  const repeat = async (request: (n: number) => Promise<void>) => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      await request(n)
      // Rejections return at once, and would leave no time for anything else.
      await sleep(1)
    }
  }
  const clients = Array.from({ length: 12 }, (_, client) => repeat(async (n) => {
    if (client < 6) count((await use()).statusCode, 200)
    else if (client < 9) count((await use(revoked.token)).statusCode, 401)
    else {
      const email = `${client}-${n}@x`
      const { statusCode } = await call(app, 'POST', '/admin/users', { payload: { email } })
      if (statusCode === 201) created.push(email)
      count(statusCode, 201)
    }
  }))
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()

  return {
    app,
    counts,
    created,
    use,
    reset: () => { Object.assign(counts, { 200: 0, 201: 0, 401: 0, 503: 0 }) },
    until: async (condition: () => boolean) => { while (!condition()) await sleep(5) },
    heldFor: () => Math.round(delay.max / 1e6),
    stop: async () => {
      stopping.abort()
      delay.disable()
      await Promise.all(clients)
    }
  }
}
