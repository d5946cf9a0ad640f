// Servers that copy from other servers: a standby of PostgreSQL, and nodes of Galera.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql, Kysely } from 'kysely'
import type { Test } from 'tap'
import { dialectFor } from '../support/databases.js'
import { emptyDirectory, freePort, runAs, serverIn, startServer, type DatabaseServer } from '../support/servers.js'

const provider = '/usr/lib/galera/libgalera_smm.so'

/** Returns the reason why Galera cannot run, or `false`. Throws instead if `CI=true`. */
export function withoutGalera (): string | false {
  if (existsSync(provider)) return false
  const reason = `${provider} is not installed`
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

/** Returns a Kysely for a server, apart from the storage. The test closes it. */
export function adminOf (t: Test, database: 'postgres' | 'mysql', { url }: DatabaseServer): Kysely<any> {
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

/** Starts a cluster of two synchronised nodes. */
export async function startGalera (t: Test): Promise<DatabaseServer[]> {
  const directories = [emptyDirectory(t, 'mysql'), emptyDirectory(t, 'mysql')] as const
  const ports = [await freePort(), await freePort()]
  const cluster = `gcomm://${ports.map((port) => `127.0.0.1:${port}`).join()}`
  const node = async (n: 0 | 1, options: readonly string[] = []) => {
    const [port, transfer] = [ports[n], await freePort()]
    return serverIn(t, 'mysql', directories[n], [
      '--binlog-format=ROW', '--innodb-autoinc-lock-mode=2', '--wsrep-on=ON', `--wsrep-provider=${provider}`, `--wsrep-cluster-address=${cluster}`, `--wsrep-node-address=127.0.0.1:${port}`, '--wsrep-sst-method=rsync',
      `--wsrep-provider-options=base_host=127.0.0.1;base_port=${port};gmcast.listen_addr=tcp://127.0.0.1:${port};ist.recv_addr=127.0.0.1:${transfer};pc.recovery=no`, ...options
    ])
  }
  // The second node starts from a copy of the first, so that not all data goes over the network.
  await runAs('mysql', directories[0], 'mariadb-install-db', [
    '--no-defaults', `--datadir=${directories[0]}`, '--auth-root-authentication-method=normal', '--skip-test-db'
  ])
  const first = await node(0, ['--wsrep-new-cluster'])
  await startSynced(t, first)
  // Synchronised first, because a node that is stopped while it joins may never end.
  await first.stop()
  await runAs('mysql', directories[1], 'cp', ['-a', `${directories[0]}/.`, directories[1]])
  await runAs('mysql', directories[0], 'sed', [
    '-i', 's/safe_to_bootstrap: 0/safe_to_bootstrap: 1/', `${directories[0]}/grastate.dat`
  ])
  const second = await node(1)
  for (const server of [first, second]) await startSynced(t, server)
  return [first, second]
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
