// Clusters of MySQL and MariaDB: `open` rejects their members unless reads wait, and then no read is old.
import { MysqlDialect, sql } from 'kysely'
import mysql from 'mysql2'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { uninstalled, type DatabaseServer } from '../support/servers.js'
import { adminOf, startGalera, startGroup, withoutGalera } from './clusters.js'
import { testEngine } from './conformance.js'
import { mysqlIn, unpack } from './unpacked.js'
import { countStale, opens, using } from './using.js'

const code = 'VEXA_ADMIN_ERR_STORAGE_OPEN'

/** Returns a storage that runs statements on each new connection. */
function on (server: Pick<DatabaseServer, 'url'>, lines: readonly string[] = [], tablePrefix = 'vexa_'): KyselyStorage {
  const pool = mysql.createPool({ uri: inTest(server).url, connectionLimit: 5 })
  pool.on('connection', (connection) => { for (const line of lines) connection.query(line) })
  return new KyselyStorage({ dialect: new MysqlDialect({ pool }), tablePrefix })
}
const inTest = ({ url }: Pick<DatabaseServer, 'url'>) => ({ url: url.replace(/mysql$/, 'test') })

t.test('Galera', { skip: withoutGalera() || uninstalled('mysql') }, async (t) => {
  const nodes = await startGalera(t)
  await sql`create database test`.execute(adminOf(t, 'mysql', nodes[0] as DatabaseServer))
  for (const node of nodes) {
    const message = 'wsrep_sync_wait is 0: the nodes of the cluster answer with old data. ' +
      'Run on each connection: set session wsrep_sync_wait = 7'
    await t.rejects(using(on(node), opens), { code, message })
    await t.rejects(using(on(node, ['set session wsrep_sync_wait = 1', 'set session wsrep_dirty_reads = 1']), opens), {
      code, message: 'wsrep_dirty_reads is ON'
    })
    await t.rejects(using(on(node, ['set session wsrep_sync_wait = 1', 'set session wsrep_on = 0']), opens), {
      code, message: 'wsrep_on is OFF: changes do not reach'
    })
  }

  for (const [wait, rounds] of [[1, 320], [7, 2000]] as const) {
    const storages = nodes.map((node) => on(node, [`set session wsrep_sync_wait = ${wait}`]))
    t.teardown(() => Promise.all(storages.map((storage) => storage.close())))
    for (const storage of storages) await storage.open()
    const counts = await countStale(storages, storages, rounds)
    t.comment(`wsrep_sync_wait = ${wait}: ${JSON.stringify(counts)}`)
    t.match(counts, { rounds, missed: 0, stale: 0 })
    if (wait === 7) t.equal(counts.notRevoked, 0, 'writes wait, too')
  }

  await testEngine(t, {
    engine: 'Galera, three nodes that all write',
    db: adminOf(t, 'mysql', inTest(nodes[0] as DatabaseServer)),
    storages: nodes.map((node) => (tablePrefix) => on(node, ['set session wsrep_sync_wait = 7'], tablePrefix))
  })
})

t.test('Group Replication', { skip: uninstalled('mysql') }, async (t) => {
  const engine = 'MySQL Group Replication, one primary'
  const folder = await unpack(engine, 'mysqld', 'sid', 'mysql-server-core')
  if (folder === undefined) return t.comment('MySQL cannot be obtained')
  const members = await startGroup(t, mysqlIn(folder))
  const [primary, ...secondaries] = members as [DatabaseServer, DatabaseServer, DatabaseServer]
  await sql`create database test`.execute(adminOf(t, 'mysql', primary))
  await using(on(primary), opens)

  const before = ["set session group_replication_consistency = 'BEFORE'"]
  for (const secondary of secondaries) {
    for (const level of ['EVENTUAL', 'AFTER', 'BEFORE_ON_PRIMARY_FAILOVER']) {
      const storage = on(secondary, [`set session group_replication_consistency = '${level}'`])
      await t.rejects(using(storage, opens), { code }, level)
    }
    t.ok(await using(on(secondary, before), opens))
  }
  await t.rejects(using(on(primary, ["set session group_replication_consistency = 'EVENTUAL'"]), opens), {
    code, message: 'group_replication_consistency is EVENTUAL: the members of the group answer with old data'
  })

  const writer = on(primary)
  const readers = secondaries.map((secondary) => on(secondary, before))
  t.teardown(() => Promise.all([writer, ...readers].map((storage) => storage.close())))
  for (const storage of [writer, ...readers]) await storage.open()
  const counts = await countStale([writer], readers, 2000)
  t.comment(`BEFORE on the secondaries: ${JSON.stringify(counts)}`)
  t.same(counts, { rounds: 2000, missed: 0, notRevoked: 0, stale: 0 })
  await testEngine(t, {
    engine,
    db: adminOf(t, 'mysql', inTest(primary)),
    storages: [(tablePrefix) => on(primary, [], tablePrefix)]
  })

  const [secondary] = secondaries
  await sql`create user app identified by 'secret'`.execute(adminOf(t, 'mysql', primary))
  await sql`grant all on test.* to app`.execute(adminOf(t, 'mysql', primary))
  const asApp = (server: DatabaseServer) =>
    on({ url: server.url.replace('root@', 'app:secret@') }, before)
  t.ok(await using(asApp(primary), opens))
  await t.rejects(using(asApp(secondary), opens), { code, message: 'member_state is unknown: ' })
  await sql`grant select on performance_schema.replication_group_members to app`.execute(adminOf(t, 'mysql', primary))
  t.ok(await using(asApp(secondary), opens))
  await sql`stop group_replication`.execute(adminOf(t, 'mysql', secondary))
  await t.rejects(using(asApp(secondary), opens), { code, message: 'member_state is OFFLINE: ' })
})
