// Servers that copy from other servers: a standby of PostgreSQL, nodes of Galera, and a group of MySQL.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql, Kysely } from 'kysely'
import type { Test } from 'tap'
import { dialectFor } from '../support/databases.js'
import {
  emptyDirectory, freePort, runAs, serverIn, startServer, type DatabaseServer, type Product
} from '../support/servers.js'

const provider = '/usr/lib/galera/libgalera_smm.so'

/** Returns the reason why Galera cannot run, or `false`. Throws instead if `CI=true`. */
export function withoutGalera (): string | false {
  if (existsSync(provider)) return false
  const reason = `${provider} is not installed`
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

/** Returns a Kysely for a server, apart from the storage. The test closes it. */
export function adminOf (t: Test, database: 'postgres' | 'mysql', { url }: Pick<DatabaseServer, 'url'>): Kysely<any> {
  const db = new Kysely<any>({ dialect: dialectFor(database, url) })
  t.teardown(() => db.destroy())
  return db
}

/** Starts a primary and its standby. */
export async function startPair (t: Test): Promise<{ primary: DatabaseServer, standby: DatabaseServer }> {
  const primary = await startServer(t, 'postgres')
  await until(async () => (await sql`select 1`.execute(adminOf(t, 'postgres', primary))).rows.length === 1)
  return { primary, standby: await startStandby(t, primary) }
}

/** Starts a standby, which pg_basebackup creates. */
export async function startStandby (t: Test, primary: DatabaseServer): Promise<DatabaseServer> {
  const directory = emptyDirectory(t, 'postgres')
  await runAs('postgres', directory, 'pg_basebackup', [
    '-d', primary.url, '-D', directory, '--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'
  ])
  const standby = await serverIn(t, 'postgres', directory)
  await standby.start()
  const db = adminOf(t, 'postgres', standby)
  await until(async () => (await sql`select 1 where pg_is_in_recovery()`.execute(db)).rows.length === 1)
  return standby
}

/** Makes a primary of PostgreSQL read-only, and waits until its sessions are. The sessions stay open. */
export async function makeReadOnly (db: Kysely<any>): Promise<void> {
  await sql`alter system set default_transaction_read_only = on`.execute(db)
  await sql`select pg_reload_conf()`.execute(db)
  await until(async () => {
    const { rows } = await sql<{ value: string }>`select current_setting('transaction_read_only') as value`.execute(db)
    return rows[0]?.value === 'on'
  })
}

/**
 * Starts a primary and its replica of MariaDB, with the database `app`. The account `app` cannot write while
 * `read_only` is on.
 */
export async function startReplicated (t: Test): Promise<{ primary: DatabaseServer, replica: DatabaseServer }> {
  const primary = await startServer(t, 'mysql', ['--log-bin', '--server-id=1'])
  const replica = await startServer(t, 'mysql', ['--server-id=2', '--read-only'])
  const db = adminOf(t, 'mysql', replica)
  await sql`change master to master_host = '127.0.0.1', master_user = 'root',
    master_port = ${sql.lit(Number(new URL(primary.url).port))}, master_use_gtid = slave_pos`.execute(db)
  await sql`start slave`.execute(db)
  const admin = adminOf(t, 'mysql', primary)
  await sql`create database app`.execute(admin)
  await sql`create user app@localhost`.execute(admin)
  await sql`grant all on app.* to app@localhost`.execute(admin)
  return { primary, replica }
}

/** Starts a cluster of three synchronised nodes. */
export async function startGalera (t: Test): Promise<DatabaseServer[]> {
  const nodes = await Promise.all([0, 1, 2].map(async () =>
    ({ directory: emptyDirectory(t, 'mysql'), port: await freePort(), transfer: await freePort() })))
  const cluster = `gcomm://${nodes.map(({ port }) => `127.0.0.1:${port}`).join()}`
  const [first, ...others] = nodes as [typeof nodes[0], ...typeof nodes]
  const node = (member: typeof first, options: readonly string[] = []) => serverIn(t, 'mysql', member.directory, [
    '--binlog-format=ROW', '--innodb-autoinc-lock-mode=2', '--wsrep-on=ON', `--wsrep-provider=${provider}`,
    `--wsrep-cluster-address=${cluster}`, `--wsrep-node-address=127.0.0.1:${member.port}`, '--wsrep-sst-method=rsync',
    `--wsrep-provider-options=${[
      'base_host=127.0.0.1', `base_port=${member.port}`, `gmcast.listen_addr=tcp://127.0.0.1:${member.port}`,
      `ist.recv_addr=127.0.0.1:${member.transfer}`, 'pc.recovery=no'
    ].join(';')}`,
    ...options
  ])
  // The other nodes start from a copy of the first, so that not all data goes over the network.
  await runAs('mysql', first.directory, 'mariadb-install-db', [
    '--no-defaults', `--datadir=${first.directory}`, '--auth-root-authentication-method=normal', '--skip-test-db'
  ])
  const bootstrap = await node(first, ['--wsrep-new-cluster'])
  await startSynced(t, bootstrap)
  // Synchronised first, because a node that is stopped while it joins may never end.
  await bootstrap.stop()
  for (const { directory } of others) await runAs('mysql', directory, 'cp', ['-a', `${first.directory}/.`, directory])
  await runAs('mysql', first.directory, 'sed', [
    '-i', 's/safe_to_bootstrap: 0/safe_to_bootstrap: 1/', `${first.directory}/grastate.dat`
  ])
  const servers = [bootstrap, ...await Promise.all(others.map((other) => node(other)))]
  for (const server of servers) await startSynced(t, server)
  return servers
}

/** Starts a group of three members. Only the first, the primary, accepts writes. */
export async function startGroup (t: Test, product: Product): Promise<DatabaseServer[]> {
  const members = await Promise.all([0, 1, 2].map(async (n) =>
    ({ n, directory: emptyDirectory(t, product), port: await freePort() })))
  const seeds = members.map(({ port }) => `127.0.0.1:${port}`).join()
  const [{ directory: source }] = members as [typeof members[0]]
  await runAs(product, source, ...product.install(source))
  // The copies are other servers, so they must not have the same id.
  await runAs(product, source, 'rm', ['-f', `${source}/data/auto.cnf`])
  for (const { directory } of members.slice(1)) {
    await runAs(product, directory, 'cp', ['-a', `${source}/data`, directory])
  }
  const servers: DatabaseServer[] = []
  for (const { n, directory, port } of members) {
    const server = await serverIn(t, product, directory, [
      `--server-id=${n + 1}`, '--gtid-mode=ON', '--enforce-gtid-consistency=ON', '--report-host=127.0.0.1',
      '--plugin-load-add=group_replication.so', '--loose-group-replication-start-on-boot=OFF',
      '--loose-group-replication-group-name=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      `--loose-group-replication-local-address=127.0.0.1:${port}`, `--loose-group-replication-group-seeds=${seeds}`,
      '--loose-group-replication-recovery-get-public-key=ON', '--loose-group-replication-ip-allowlist=127.0.0.1'
    ])
    await server.start()
    servers.push(server)
    const db = adminOf(t, 'mysql', server)
    await until(async () => (await sql`select 1`.execute(db)).rows.length === 1)
    await db.connection().execute(async (connection) => {
      await sql`set sql_log_bin = 0`.execute(connection)
      await sql`change replication source to source_user = 'root' for channel 'group_replication_recovery'`
        .execute(connection)
      await sql`set sql_log_bin = 1`.execute(connection)
      if (n === 0) await sql`set global group_replication_bootstrap_group = ON`.execute(connection)
      await sql`start group_replication`.execute(connection)
      if (n === 0) await sql`set global group_replication_bootstrap_group = OFF`.execute(connection)
    })
    const online = sql`select 1 from performance_schema.replication_group_members where member_state = 'ONLINE'`
    await until(async () => (await online.execute(db)).rows.length === n + 1)
  }
  return servers
}

/** Starts a node, and waits until it is synchronised. */
async function startSynced (t: Test, server: DatabaseServer): Promise<void> {
  await server.start()
  const db = adminOf(t, 'mysql', server)
  const query = sql`show status where variable_name = 'wsrep_local_state_comment' and value = 'Synced'`
  await until(async () => (await query.execute(db)).rows.length === 1)
}

/** Waits until a condition returns true. Ignores its errors. */
export async function until (condition: () => Promise<boolean>): Promise<void> {
  while (!await condition().catch(() => false)) await sleep(50)
}
