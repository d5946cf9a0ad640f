// Another transaction keeps the row of a token locked, so that `last_used_at` cannot be written.
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MysqlDialect, PostgresDialect, type Dialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { emptyPlace, lockToken, mysqlUrl, postgresUrl, tablePrefixAt, unavailable } from '../support/databases.js'
import { build } from '../support/helpers.js'

const connections = 2

const dialects: Record<'postgres' | 'mysql', () => Dialect> = {
  postgres: () => new PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl, max: connections }) }),
  mysql: () => new MysqlDialect({ pool: mysql.createPool({ uri: mysqlUrl, connectionLimit: connections }) })
}

for (const database of ['postgres', 'mysql'] as const) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    // The drivers use other timers, which go on.
    mock.timers.enable({ apis: ['setInterval'] })
    t.teardown(() => mock.timers.reset())
    const place = emptyPlace(t, database)
    let faults = 0
    const logger = {
      level: 'warn',
      stream: { write: (line: string) => { if (line.includes('last_used_at cannot be written now')) faults++ } }
    }
    const start = async () => {
      const storage = new KyselyStorage({ dialect: dialects[database](), tablePrefix: tablePrefixAt(place) })
      const app = await build(t, { storage, storageTimeout: 500 }, { logger })
      app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
      const use = async ({
        token
      }: { token: string }) => (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode
      return { app, use, tokens: app.vexaAdmin.tokens }
    }
    const { app, use, tokens } = await start()
    const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
    const [locked, other] = [await tokens.create(id), await tokens.create(id)]

    await t.test('last_used_at: token checks keep their connections while a write hangs', async (t) => {
      const release = await lockToken(t, place, locked.id)
      t.equal(await use(locked), 200)
      for (let flush = 0; flush < 2 * connections; flush++) {
        mock.timers.tick(5_000)
        // Until the write of this turn times out.
        await sleep(650)
        t.equal(await use(locked), 200)
        t.equal(await use(other), 200)
      }
      t.equal(faults, 1, 'one write hangs, and the log says so once')

      await release()
      while ((await tokens.list(id)).some((token) => token.last_used_at === undefined)) {
        mock.timers.tick(5_000)
        await sleep(20)
      }
      t.pass('uses noted meanwhile are written')
    })

    await t.test('last_used_at: an app closes while a write hangs', async (t) => {
      const { app, use, tokens } = await start()
      const token = await tokens.create(id)
      const release = await lockToken(t, place, token.id)
      t.equal(await use(token), 200)
      await app.close()
      await release()
    })
  })
}
