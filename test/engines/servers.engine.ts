// Servers of PostgreSQL that may answer with old data: `open` rejects them.
import { PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { startServer, uninstalled, type DatabaseServer } from '../support/servers.js'
import { adminOf, startPair, until } from './clusters.js'
import { opens, using } from './using.js'

const code = 'VEXA_ADMIN_ERR_STORAGE_OPEN'
const user = { email: 'a@b', name: null, max_concurrent_bots: 1, data: null, created_at: '2024-01-01T12:00:00.000Z' }

const onPostgres = ({ url }: DatabaseServer, options: { migrate?: boolean } = {}) =>
  new KyselyStorage({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }), ...options })

const withPostgres = { skip: uninstalled('postgres') }

t.test('PostgreSQL: open rejects a standby, and accepts it when it is promoted', withPostgres, async (t) => {
  const { primary, standby } = await startPair(t)
  const rejected = {
    code,
    message: 'pg_is_in_recovery() is true: the server is a standby, which answers with old data. Connect to the primary'
  }
  await t.rejects(using(onPostgres(standby), opens), rejected, 'without tables')

  await using(onPostgres(primary), async (storage) => { await storage.createUser(user) })
  const db = adminOf(t, 'postgres', standby)
  await until(async () => (await sql`select from vexa_users`.execute(db)).rows.length === 1)
  await t.rejects(using(onPostgres(standby), opens), rejected, 'with tables')
  await t.rejects(using(onPostgres(standby, { migrate: false }), opens), rejected, 'with tables, unmigrated')

  await sql`select pg_promote()`.execute(db)
  t.match(await using(onPostgres(standby), (storage) => storage.findUserByEmail('a@b')), { id: '1' })
  t.match(await using(onPostgres(standby), (storage) => storage.updateUser('1', { name: 'A' })), { name: 'A' })
})

t.test('PostgreSQL: open rejects a server that subscribes to the tables of another', withPostgres, async (t) => {
  const publisher = await startServer(t, 'postgres', ['-c', 'wal_level=logical'])
  const subscriber = await startServer(t, 'postgres')
  for (const server of [publisher, subscriber]) {
    const db = adminOf(t, 'postgres', server)
    await until(async () => (await sql`select 1`.execute(db)).rows.length === 1)
    t.ok(await using(onPostgres(server), opens))
  }
  const db = adminOf(t, 'postgres', subscriber)
  await sql`create publication copied for all tables`.execute(adminOf(t, 'postgres', publisher))
  await sql`create subscription copy connection ${sql.lit(publisher.url)} publication copied
    with (copy_data = false)`.execute(db)
  await t.rejects(using(onPostgres(subscriber), opens), {
    code, message: 'tables of a subscription is true: another server writes to these tables'
  })
  t.ok(await using(onPostgres(publisher), opens))
  await sql`drop subscription copy`.execute(db)
  t.ok(await using(onPostgres(subscriber), opens))
})
