import { sql, type Kysely } from 'kysely'
import type { TableNames } from '../tables.js'
import { checkSettings, findUnsafe, schemaOf, type Setting, type Values } from './settings.js'

const isOn = (value: unknown) => /^(ON|1)$/i.test(String(value))
// A setting that the server does not have counts as off.
const isOff = (value: unknown) => /^(OFF|0|)$/i.test(String(value ?? ''))

/** Returns a message that ends with the statement that makes the session safe. */
const setSession = (consequence: string, assignment: string) =>
  `${consequence}. Run on each connection: set session ${assignment}`

const replica = 'the server rejects writes, or is a replica that answers with old data. Connect to the primary'
const unreplicated = 'changes do not reach the replicas or the other nodes, which keep accepting a revoked token'
const oldData = 'the server answers with old data'
const withoutEngine = 'tables have neither transactions nor foreign keys'

/** Returns whether reads wait for the changes that the other members of a group have acknowledged. */
const readsWait = ({ group_replication_group_name: group, group_replication_consistency: consistency }: Values) =>
  !isOff(group) && /^BEFORE(_AND_AFTER)?$/i.test(String(consistency))

/**
 * The settings of MySQL, MariaDB, Galera and TiDB that can do harm.
 * `harmless` in test/storage/sql/settings.test.ts lists the settings that cannot do harm.
 */
export const mysqlSettings: readonly Setting[] = [
  // This setting is first, because a limit also shortens the list of settings that this check reads.
  {
    name: 'sql_select_limit',
    isSafe: (value) => !(Number(value) < 0xFFFFFFFF),
    message: setSession('lists are incomplete', 'sql_select_limit = default')
  },

  ...['read_only', 'super_read_only'].map((name) => ({
    name,
    // A secondary of a group whose reads wait does not answer with old data, and may become the primary.
    isSafe: (value: string, values: Values) => isOff(value) || readsWait(values),
    message: replica
  })),
  { name: 'innodb_read_only', isSafe: isOff, message: replica },
  ...['transaction_read_only', 'tx_read_only'].map((name) => ({
    name,
    isSafe: isOff,
    message: setSession('nothing can be written', 'transaction read write')
  })),
  {
    name: 'group_replication_consistency',
    isSafe: (value, values) => isOff(values.group_replication_group_name) || readsWait(values) ||
      // This value is enough for a primary. After a failover, its reads wait for the changes that the previous primary
      // has acknowledged.
      (value === 'BEFORE_ON_PRIMARY_FAILOVER' && isOn(values.group_replication_single_primary_mode)),
    message: setSession('the members of the group answer with old data', "group_replication_consistency = 'BEFORE'")
  },
  {
    name: 'member_state',
    // Reads of a member that has left the group do not wait, whatever its settings say.
    isSafe: (value, { read_only: readOnly }) => value === 'ONLINE' || isOff(readOnly),
    message: 'the server is outside of its group and answers with old data, or the account cannot read its state. ' +
      'Connect to the primary, or run: grant select on performance_schema.replication_group_members to …'
  },
  {
    name: 'wsrep_sync_wait',
    isSafe: (value, { wsrep_on: wsrep }) => isOff(wsrep) || Number(value) % 2 === 1,
    message: setSession('the nodes of the cluster answer with old data', 'wsrep_sync_wait = 7')
  },
  {
    name: 'wsrep_dirty_reads',
    isSafe: (value, { wsrep_on: wsrep }) => isOff(wsrep) || isOff(value),
    message: setSession('a node outside of the cluster answers with old data', 'wsrep_dirty_reads = 0')
  },
  {
    name: 'wsrep_on',
    isSafe: (value, { 'global wsrep_on': cluster }) => isOff(cluster) || isOn(value),
    message: setSession(unreplicated, 'wsrep_on = 1')
  },
  { name: 'sql_log_bin', isSafe: isOn, message: setSession(unreplicated, 'sql_log_bin = 1') },
  { name: 'skip_replication', isSafe: isOff, message: setSession(unreplicated, 'skip_replication = 0') },
  {
    name: 'system_versioning_asof',
    isSafe: (value) => /^(DEFAULT|)$/i.test(value),
    message: setSession(oldData, 'system_versioning_asof = default')
  },
  ...['tidb_snapshot', 'tidb_read_staleness', 'tidb_enable_external_ts_read', 'tidb_low_resolution_tso']
    .map((name) => ({ name, isSafe: isOff, message: setSession(oldData, `${name} = default`) })),

  {
    name: 'completion_type',
    isSafe: (value) => /^(NO_CHAIN|0)$/i.test(value),
    message: setSession(
      'a connection breaks, or stays in a transaction that sees old data and is never committed', 'completion_type = 0'
    )
  },
  ...['transaction_isolation', 'tx_isolation'].map((name) => ({
    name,
    isSafe: (value: string) => !/^READ.UNCOMMITTED$/i.test(value),
    message: setSession('reads see changes that may be undone', 'transaction isolation level read committed')
  })),
  { name: 'autocommit', isSafe: isOn, message: setSession('changes are not committed', 'autocommit = 1') },
  {
    name: 'foreign_key_checks',
    isSafe: isOn,
    message: setSession('foreign keys are not enforced', 'foreign_key_checks = 1')
  },
  { name: 'unique_checks', isSafe: isOn, message: setSession('unique keys may not be enforced', 'unique_checks = 1') },
  {
    name: 'check_constraint_checks',
    isSafe: isOn,
    message: setSession('constraints are not enforced', 'check_constraint_checks = 1')
  },
  {
    name: 'sql_mode',
    // A mode that is not strict is safe. The server then cuts values that do not fit, but the services check all
    // values.
    isSafe: (value) => !/\b(EMPTY_STRING_IS_NULL|ORACLE)\b/i.test(value),
    message: setSession('empty text is changed, or no transaction begins', "sql_mode = 'TRADITIONAL'")
  },
  {
    name: 'enforce_storage_engine',
    isSafe: (value) => /^(InnoDB|)$/i.test(value),
    message: setSession(withoutEngine, 'enforce_storage_engine = InnoDB')
  },
  {
    name: 'engine',
    isSafe: (value) => value === 'InnoDB',
    message: `${withoutEngine}. Run for each of these tables: alter table … engine = InnoDB`
  },
  {
    name: 'innodb_force_recovery',
    isSafe: isOff,
    message: 'the server is in recovery mode, and rows may be missing. Start it with innodb_force_recovery = 0'
  },
  {
    name: 'innodb_flush_log_at_trx_commit',
    // In a Galera cluster, the other nodes keep the changes that one node loses.
    isSafe: (value, { wsrep_on: wsrep }) => value !== '0' || isOn(wsrep),
    message: 'a crash of the server undoes acknowledged changes, such as a revocation. ' +
      'Run: set global innodb_flush_log_at_trx_commit = 1'
  }
]

const groupSettings = ['group_replication_group_name', 'group_replication_single_primary_mode']

/**
 * Checks the settings of the server and of one session. Assumes that all connections of a pool have the same settings.
 *
 * @throws {StorageOpenError} for the first setting that is not safe
 */
export async function checkMysqlSettings (db: Kysely<any>, tables: TableNames): Promise<void> {
  const names = [...groupSettings, ...mysqlSettings.map(({ name }) => name)].map((name) => sql.lit(name))
  const values = await db.connection().execute(async (connection) => {
    const limit = await sql<object>`select cast(@@sql_select_limit as char) as value from dual limit 1`
      .execute(connection)
    const session = await sql<object>`show session variables where variable_name in (${sql.join(names)})`
      .execute(connection)
    const global = await sql<object>`show global variables where variable_name = 'wsrep_on'`.execute(connection)
    const engine = await sql<object>`select engine as value from information_schema.tables
      where table_schema = coalesce(${schemaOf(db)}, database()) and table_name in (${sql.join(Object.values(tables))})
        and coalesce(engine, '') <> 'InnoDB'`.execute(connection)
    const settings = session.rows.map((row) => Object.values(row))
    const isInGroup = settings.some(([name, value]) => name === 'group_replication_group_name' && !isOff(value))
    return [
      ...settings,
      ...isInGroup ? [['member_state', await memberState(connection)]] : [],
      ...global.rows.map((row) => ['global wsrep_on', Object.values(row)[1]]),
      ...limit.rows.map((row) => ['sql_select_limit', Object.values(row)[0]]),
      ...engine.rows.map((row) => ['engine', Object.values(row)[0]])
    ]
  })
  checkSettings(mysqlSettings, toValues(values))
}

const replicaSettings = mysqlSettings.filter(({ message }) => message === replica)
const replicaNames = [...replicaSettings.map(({ name }) => name), ...groupSettings, 'group_replication_consistency']
  .map((name) => sql.lit(name))

/**
 * The check whether the server is a replica. In a failover, the old primary becomes a replica while its sessions stay
 * open, so the check is repeated.
 */
export const replicaCheck = {
  checkQuery: sql<object>`show session variables where variable_name in (${sql.join(replicaNames)})`,
  faultOf: (rows: readonly object[]) => findUnsafe(replicaSettings, toValues(rows.map((row) => Object.values(row)))),
  checkLasts: 1000
}

function toValues (pairs: readonly unknown[][]): Values {
  return Object.fromEntries(pairs.map(([name, value]) => [String(name).toLowerCase(), String(value)]))
}

/** Returns the state of this member of a group, or `unknown` if the account cannot read the state. */
async function memberState (db: Kysely<any>): Promise<string> {
  const query = sql<{ state: string }>`select member_state as state
    from performance_schema.replication_group_members where member_id = @@server_uuid`
  const { rows } = await query.execute(db).catch(() => ({ rows: [] }))
  return rows[0]?.state ?? 'unknown'
}
