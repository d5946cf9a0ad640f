// Servers that may answer with old data: `open` rejects them, unless their reads wait.
import { randomBytes } from 'node:crypto'
import { MysqlDialect, PostgresDialect, sql } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage, type StorageAdapter } from '../../src/index.js'
import { startServer, uninstalled, type DatabaseServer } from '../support/servers.js'
import { adminOf, startGalera, startPair, until, withoutGalera } from './clusters.js'

const code = 'VEXA_ADMIN_ERR_STORAGE_OPEN'
const created = '2024-01-01T12:00:00.000Z'
const user = { email: 'a@b', name: null, max_concurrent_bots: 1, data: null, created_at: created }

const onPostgres = ({ url }: DatabaseServer, options: { migrate?: boolean } = {}) =>
  new KyselyStorage({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }), ...options })

/** Opens a storage, runs `work`, and closes the storage. */
async function using<T> (storage: KyselyStorage, work: (storage: StorageAdapter) => Promise<T>): Promise<T> {
  try {
    await storage.open()
    return await work(storage)
  } finally {
    await storage.close()
  }
}
const opens = async () => true

const withPostgres = { skip: uninstalled('postgres') }
const withGalera = { skip: withoutGalera() || uninstalled('mysql') }

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

t.test('Galera: open rejects nodes unless reads wait, and then no read is old', withGalera, async (t) => {
  const nodes = await startGalera(t) as [DatabaseServer, DatabaseServer]
  const on = ({ url }: DatabaseServer, ...lines: string[]) => {
    const pool = mysql.createPool({ uri: url, connectionLimit: 5 })
    pool.on('connection', (connection) => { for (const line of lines) connection.query(line) })
    return new KyselyStorage({ dialect: new MysqlDialect({ pool }) })
  }
  for (const node of nodes) {
    const message = 'wsrep_sync_wait is 0: the nodes of the cluster answer with old data. ' +
      'Run on each connection: set session wsrep_sync_wait = 7'
    await t.rejects(using(on(node), opens), { code, message })
    await t.rejects(using(on(node, 'set session wsrep_sync_wait = 1', 'set session wsrep_dirty_reads = 1'), opens), {
      code, message: 'wsrep_dirty_reads is ON'
    })
    await t.rejects(using(on(node, 'set session wsrep_sync_wait = 1', 'set session wsrep_on = 0'), opens), {
      code, message: 'wsrep_on is OFF: changes do not reach'
    })
  }

  for (const wait of [1, 7]) {
    const storages = nodes.map(
      (node) => on(node, `set session wsrep_sync_wait = ${wait}`)
    ) as [KyselyStorage, KyselyStorage]
    t.teardown(() => Promise.all(storages.map((storage) => storage.close())))
    for (const storage of storages) await storage.open()
    const owner = await storages[0].createUser({ ...user, email: `${wait}@x` }) as { id: string }
    const counts = { rounds: 0, missed: 0, notRevoked: 0, stale: 0 }
    await Promise.all(Array.from({ length: 8 }, async (_, client) => {
      const [here, there] = client % 2 === 0 ? storages : storages.toReversed() as typeof storages
      for (let round = 0; round < 40; round++) {
        const hash = randomBytes(32)
        const token = await here.createToken({
          user_id: owner.id,
          hash,
          name: null,
          scopes: null,
          expires_at: null,
          expires_in: null,
          disabled: false,
          data: null,
          start: null,
          created_at: created
        })
        if (token === 'absent') throw new Error('The user is not there')
        counts.rounds++
        // Half of the tokens are revoked on the node that did not create them.
        const [revoking, reading] = round % 2 === 0 ? [here, there] : [there, here]
        if (round % 4 > 1 && await reading.findTokenByHash(hash) === undefined) counts.missed++
        if (!await revoking.revokeToken(token.id)) {
          counts.notRevoked++
          await here.revokeToken(token.id)
        }
        if (await reading.findTokenByHash(hash) !== undefined) counts.stale++
      }
    }))
    t.comment(`wsrep_sync_wait = ${wait}: ${JSON.stringify(counts)}`)
    t.match(counts, { rounds: 320, missed: 0, stale: 0 })
    if (wait === 7) t.equal(counts.notRevoked, 0, 'writes wait, too')
  }
})
