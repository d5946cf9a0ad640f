// Settings of servers and sessions: those that `open` rejects, each with its message, and those that do no harm.
import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, sql, SqliteDialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t, { type Test } from 'tap'
import { testStorage } from '../../../src/storage/conformance/index.js'
import { KyselyStorage, migrateStorage, sqliteStorage, type StorageAdapter } from '../../../src/index.js'
import { mysqlSettings } from '../../../src/storage/sql/dialects/mysql-settings.js'
import { postgresSettings } from '../../../src/storage/sql/dialects/postgres-settings.js'
import { checkSettings, type Setting, type Values } from '../../../src/storage/sql/dialects/settings.js'
import { sqliteSettings } from '../../../src/storage/sql/dialects/sqlite-settings.js'
import { tableNames } from '../../../src/storage/sql/tables.js'
import {
  backDoor, databaseNames, emptyPlace, mysqlUrl, postgresUrl, storageAt, tablePrefixAt, unavailable
} from '../../support/databases.js'
import { startServer, uninstalled } from '../../support/servers.js'

/** Checks that `open` rejects because of a setting. Returns the line that makes it safe. */
async function rejected (
  t: Test, storage: StorageAdapter, settings: readonly Setting[], name: string
): Promise<string> {
  const error = await storage.open().then(() => new Error('opened'), (error) => error)
  await storage.close()
  return checkRejection(t, error, settings, name)
}

function checkRejection (t: Test, error: Error, settings: readonly Setting[], name: string): string {
  const message = settings.find((setting) => setting.name === name)?.message as string
  t.match(error, { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN' }, name)
  // MariaDB 11 has both names of these settings.
  t.match(
    error.message.replace(': transaction_', ': tx_'),
    `the storage cannot be opened: ${name.replace(/^transaction_/, 'tx_')} is `
  )
  t.ok(error.message.endsWith(`: ${message}`), error.message)
  return /(Run|Run on each connection|Start it with): (.*)/.exec(message)?.[2] as string
}

async function accepted (t: Test, storage: StorageAdapter, name: string): Promise<void> {
  await t.resolves(storage.open(), name)
  await storage.close()
}

function mysqlStorage (place: string, lines: readonly string[], options: { migrate?: boolean } = {}): KyselyStorage {
  const pool = mysql.createPool({ uri: mysqlUrl, connectionLimit: 5 })
  pool.on('connection', (connection) => { for (const line of lines) connection.query(line) })
  return new KyselyStorage({ dialect: new MysqlDialect({ pool }), tablePrefix: tablePrefixAt(place), ...options })
}

function postgresStorage (place: string, settings: Record<string, string>): KyselyStorage {
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(' ')
  return new KyselyStorage({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl, max: 5, options }) }),
    tablePrefix: tablePrefixAt(place)
  })
}

function sqliteWith (
  t: Test, place: string, pragmas: readonly string[], options: Database.Options = {}
): KyselyStorage {
  const database = new Database(place.replace('sqlite:', ''), options)
  for (const pragma of pragmas) database.pragma(pragma)
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database }) })
  t.teardown(() => db.destroy())
  return new KyselyStorage({ db })
}

const onMysql = { skip: await unavailable('mysql') }
const onPostgres = { skip: await unavailable('postgres') }

const mysqlSessions: Record<string, string[]> = {
  sql_select_limit: ['sql_select_limit = 1', 'sql_select_limit = 1000'],
  tx_read_only: ['transaction read only'],
  sql_log_bin: ['sql_log_bin = 0'],
  skip_replication: ['skip_replication = 1'],
  system_versioning_asof: ["system_versioning_asof = '2024-01-01'"],
  completion_type: ['completion_type = CHAIN', 'completion_type = 2'],
  tx_isolation: ['transaction isolation level read uncommitted'],
  autocommit: ['autocommit = 0'],
  foreign_key_checks: ['foreign_key_checks = 0'],
  unique_checks: ['unique_checks = 0'],
  check_constraint_checks: ['check_constraint_checks = 0'],
  sql_mode: ["sql_mode = 'STRICT_ALL_TABLES,EMPTY_STRING_IS_NULL'", "sql_mode = 'TRADITIONAL,ORACLE'"],
  enforce_storage_engine: ['enforce_storage_engine = MyISAM']
}

t.test('MySQL: open rejects a session that is not safe', onMysql, async (t) => {
  const place = emptyPlace(t, 'mysql')
  const { db, prefix } = backDoor(t, place)
  const safe = emptyPlace(t, 'mysql')
  await migrateStorage(storageAt(safe))
  for (const [name, lines] of Object.entries(mysqlSessions)) {
    for (const line of lines) {
      for (const options of [{}, { migrate: false }]) {
        const remedy = await rejected(t, mysqlStorage(place, [`set session ${line}`], options), mysqlSettings, name)
        await accepted(t, mysqlStorage(safe, [`set session ${line}`, remedy], options), remedy)
      }
    }
  }
  t.same((await sql`show tables like ${prefix + '%'}`.execute(db)).rows, [], 'nothing was written')
})

const mysqlServers: Record<string, string> = {
  read_only: 'set global read_only = 1',
  innodb_flush_log_at_trx_commit: 'set global innodb_flush_log_at_trx_commit = 0',
  engine: ''
}

t.test('MySQL: open rejects a server that is not safe', { skip: uninstalled('mysql') }, async (t) => {
  const server = await startServer(t, 'mysql')
  const storage = () => new KyselyStorage({
    dialect: new MysqlDialect({ pool: mysql.createPool({ uri: server.url }) })
  })
  const db = new Kysely<any>({ dialect: new MysqlDialect({ pool: mysql.createPool({ uri: server.url }) }) })
  t.teardown(() => db.destroy())
  await accepted(t, storage(), 'as it is')

  await sql.raw(mysqlServers.innodb_flush_log_at_trx_commit as string).execute(db)
  const remedy = await rejected(t, storage(), mysqlSettings, 'innodb_flush_log_at_trx_commit')
  await sql.raw(remedy).execute(db)
  await accepted(t, storage(), remedy)

  // Root can still write to a read-only server.
  await sql.raw(mysqlServers.read_only as string).execute(db)
  await rejected(t, storage(), mysqlSettings, 'read_only')
  await sql`set global read_only = 0`.execute(db)
  await accepted(t, storage(), 'read_only is off again')

  await sql`alter table vexa_tokens drop foreign key vexa_tokens_user_id_fk`.execute(db)
  await sql`alter table vexa_tokens engine = MyISAM`.execute(db)
  await rejected(t, storage(), mysqlSettings, 'engine')
})

t.test('MySQL: open checks the tables in the schema of the Kysely of the app', onMysql, async (t) => {
  const schema = tablePrefixAt(emptyPlace(t, 'mysql'))
  const db = new Kysely<any>({ dialect: new MysqlDialect({ pool: mysql.createPool({ uri: mysqlUrl }) }) })
  t.teardown(() => db.destroy())
  await sql`create database ${sql.id(schema)}`.execute(db)
  t.teardown(() => sql`drop database ${sql.id(schema)}`.execute(db))
  await sql`create table ${sql.table(`${schema}.vexa_users`)} (id integer) engine = MyISAM`.execute(db)
  await rejected(t, new KyselyStorage({ db: db.withSchema(schema) }), mysqlSettings, 'engine')
  await accepted(t, new KyselyStorage({ db, tablePrefix: schema }), 'another schema')
})

// The settings of servers that the tests do not start. test/engines starts servers of a group and of Galera.
const group = {
  group_replication_group_name: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  group_replication_single_primary_mode: 'ON',
  read_only: 'OFF',
  super_read_only: 'OFF'
}
const secondary = { ...group, read_only: 'ON', super_read_only: 'ON' }
const galera = { wsrep_on: 'ON', 'global wsrep_on': 'ON', wsrep_dirty_reads: 'OFF' }
const mysqlAnswers: Array<[name: string | undefined, values: Values]> = [
  [undefined, {}],
  ['super_read_only', { read_only: 'OFF', super_read_only: 'ON' }],
  ['read_only', { read_only: 'NO_LOCK_NO_ADMIN' }],
  ['innodb_read_only', { read_only: 'OFF', innodb_read_only: 'ON' }],
  ['innodb_force_recovery', { innodb_force_recovery: '1' }],
  ['transaction_read_only', { transaction_read_only: 'ON' }],
  ['transaction_isolation', { transaction_isolation: 'READ-UNCOMMITTED' }],
  [undefined, { transaction_isolation: 'SERIALIZABLE', transaction_read_only: 'OFF', completion_type: 'NO_CHAIN' }],
  [undefined, { innodb_flush_log_at_trx_commit: '2' }],

  // The plugin is loaded, but not in use.
  [undefined, { group_replication_group_name: '', group_replication_consistency: 'EVENTUAL' }],
  ['group_replication_consistency', { ...group, group_replication_consistency: 'EVENTUAL' }],
  ['group_replication_consistency', { ...group, group_replication_consistency: 'AFTER' }],
  [undefined, { ...group, group_replication_consistency: 'BEFORE_ON_PRIMARY_FAILOVER' }],
  [undefined, { ...group, group_replication_consistency: 'BEFORE' }],
  ['group_replication_consistency', {
    ...group, group_replication_single_primary_mode: 'OFF', group_replication_consistency: 'BEFORE_ON_PRIMARY_FAILOVER'
  }],
  [undefined, {
    ...group, group_replication_single_primary_mode: 'OFF', group_replication_consistency: 'BEFORE_AND_AFTER'
  }],
  ['read_only', { ...secondary, group_replication_consistency: 'EVENTUAL' }],
  ['read_only', { ...secondary, group_replication_consistency: 'BEFORE_ON_PRIMARY_FAILOVER' }],
  [undefined, { ...secondary, group_replication_consistency: 'BEFORE', member_state: 'ONLINE' }],
  ['member_state', { ...secondary, group_replication_consistency: 'BEFORE', member_state: 'OFFLINE' }],
  ['member_state', { ...secondary, group_replication_consistency: 'BEFORE', member_state: 'unknown' }],
  [undefined, { ...group, group_replication_consistency: 'BEFORE', member_state: 'unknown' }],

  [undefined, { wsrep_on: 'OFF', 'global wsrep_on': 'OFF', wsrep_sync_wait: '0', wsrep_dirty_reads: 'ON' }],
  ['wsrep_sync_wait', { ...galera, wsrep_sync_wait: '0' }],
  ['wsrep_sync_wait', { ...galera, wsrep_sync_wait: '6' }],
  [undefined, { ...galera, wsrep_sync_wait: '1', innodb_flush_log_at_trx_commit: '0' }],
  [undefined, { ...galera, wsrep_sync_wait: '7' }],
  ['wsrep_dirty_reads', { ...galera, wsrep_sync_wait: '1', wsrep_dirty_reads: 'ON' }],
  ['wsrep_on', { ...galera, wsrep_on: 'OFF', wsrep_sync_wait: '1' }],

  [undefined, {
    tidb_snapshot: '', tidb_read_staleness: '0', tidb_enable_external_ts_read: 'OFF', tidb_low_resolution_tso: 'OFF'
  }],
  ['tidb_snapshot', { tidb_snapshot: '2024-01-01 12:00:00' }],
  ['tidb_read_staleness', { tidb_read_staleness: '-5' }],
  ['tidb_enable_external_ts_read', { tidb_enable_external_ts_read: 'ON' }],
  ['tidb_low_resolution_tso', { tidb_low_resolution_tso: 'ON' }]
]

t.test('MySQL: checkSettings finds the setting that is not safe', async (t) => {
  for (const [name, values] of mysqlAnswers) {
    if (name === undefined) t.doesNotThrow(() => checkSettings(mysqlSettings, values), JSON.stringify(values))
    else checkRejection(t, thrown(() => checkSettings(mysqlSettings, values)), mysqlSettings, name)
  }
})

const postgresSessions: Record<string, string[]> = {
  default_transaction_read_only: ['on'],
  session_replication_role: ['replica'],
  synchronous_commit: ['off'],
  zero_damaged_pages: ['on'],
  ignore_checksum_failure: ['on']
}

t.test('PostgreSQL: open rejects a session that is not safe', onPostgres, async (t) => {
  const place = emptyPlace(t, 'postgres')
  for (const [name, values] of Object.entries(postgresSessions)) {
    for (const value of values) await rejected(t, postgresStorage(place, { [name]: value }), postgresSettings, name)
  }
  await rejected(
    t, postgresStorage(place, { search_path: 'pg_temp' }), postgresSettings, 'temporary, unlogged or foreign tables'
  )
  const { db, prefix } = backDoor(t, place)
  t.same(
    (await sql`select from pg_class where relname like ${prefix + '%'}`.execute(db)).rows, [], 'nothing was written'
  )
  await accepted(t, postgresStorage(place, {}), 'as it is')
})

const postgresTables = [
  'row level security', 'disabled triggers', 'temporary, unlogged or foreign tables', 'tables of a subscription'
]

t.test('PostgreSQL: open rejects tables that are not safe', onPostgres, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const { db, prefix } = backDoor(t, place)
  await migrateStorage(storageAt(place))
  const [tokens, role] = [sql.table(`${prefix}tokens`), sql.id(`${prefix}role`)]
  const run = (line: string) => sql.raw(
    line.replaceAll('tokens', `${prefix}tokens`).replaceAll('someone', `"${prefix}role"`)
  ).execute(db)

  await sql`create role ${role}`.execute(db)
  t.teardown(async () => {
    await sql`drop owned by ${role}`.execute(db)
    await sql`drop role ${role}`.execute(db)
  })
  // A grant on all tables of the schema would fail when another test creates or drops a table.
  for (const name of Object.values(tableNames(prefix))) {
    await sql`grant all on ${sql.table(name)} to ${role}`.execute(db)
  }
  const asRole = (settings = {}) => postgresStorage(place, { role: `${prefix}role`, ...settings })
  await accepted(t, asRole(), 'no row is hidden')
  await run('alter table tokens enable row level security')
  await accepted(t, storageAt(place), 'none is hidden from the owner')
  await rejected(t, asRole(), postgresSettings, 'row level security')
  await rejected(t, asRole({ row_security: 'off' }), postgresSettings, 'row level security')
  await run('alter role someone bypassrls')
  await accepted(t, asRole(), 'alter role … bypassrls')
  await run('alter role someone nobypassrls')
  await run('alter table tokens owner to someone')
  await accepted(t, asRole(), 'the owner')
  await run('alter table tokens force row level security')
  await rejected(t, asRole(), postgresSettings, 'row level security')
  await run('alter table tokens disable row level security')
  await accepted(t, asRole(), 'alter table … disable row level security')

  await run('alter table tokens disable trigger all')
  await rejected(t, storageAt(place), postgresSettings, 'disabled triggers')
  await run('alter table tokens enable trigger all')
  await accepted(t, storageAt(place), 'alter table … enable trigger all')

  await run('alter table tokens set unlogged')
  await rejected(t, storageAt(place), postgresSettings, 'temporary, unlogged or foreign tables')
  await run('alter table tokens set logged')
  await accepted(t, storageAt(place), 'alter table … set logged')

  // The row that a subscription creates. test/engines has a real subscription.
  await sql`insert into pg_subscription_rel values (1, cast(${`${prefix}tokens`} as regclass), 'r', null)`.execute(db)
  await rejected(t, storageAt(place), postgresSettings, 'tables of a subscription')
  await sql`delete from pg_subscription_rel where srrelid = cast(${`${prefix}tokens`} as regclass)`.execute(db)
  await accepted(t, storageAt(place), 'no subscription')

  await sql`alter table ${tokens} rename to ${sql.id(`${prefix}hidden`)}`.execute(db)
  await sql`create view ${tokens} as select * from ${sql.id(`${prefix}hidden`)} where name is null`.execute(db)
  await rejected(t, storageAt(place), postgresSettings, 'temporary, unlogged or foreign tables')
  await sql`drop view ${tokens}`.execute(db)
  await sql`alter table ${sql.id(`${prefix}hidden`)} rename to ${sql.id(`${prefix}tokens`)}`.execute(db)
})

t.test('PostgreSQL: open checks the tables in the schema of the Kysely of the app', onPostgres, async (t) => {
  const schema = `${tablePrefixAt(emptyPlace(t, 'postgres'))}"Ä`
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: postgresUrl }) }) })
  t.teardown(() => db.destroy())
  await db.schema.createSchema(schema).execute()
  t.teardown(() => db.schema.dropSchema(schema).cascade().execute())
  const open = () => new KyselyStorage({ db: db.withSchema(schema) })
  await accepted(t, open(), 'as it is')
  await sql`alter table ${sql.id(schema, 'vexa_tokens')} set unlogged`.execute(db)
  await rejected(t, open(), postgresSettings, 'temporary, unlogged or foreign tables')
})

const postgresAnswers: Array<[name: string | undefined, values: Values]> = [
  [undefined, { yb_read_from_followers: null, default_transaction_use_follower_reads: null }],
  [undefined, { yb_read_from_followers: 'off', default_transaction_use_follower_reads: 'off' }],
  ['yb_read_from_followers', { yb_read_from_followers: 'on' }],
  ['default_transaction_use_follower_reads', { default_transaction_use_follower_reads: 'on' }],
  // test/engines has a real standby.
  ['pg_is_in_recovery()', { 'pg_is_in_recovery()': 'true', default_transaction_read_only: 'on' }]
]

t.test('PostgreSQL: checkSettings finds the setting that is not safe', async (t) => {
  for (const [name, values] of postgresAnswers) {
    if (name === undefined) t.doesNotThrow(() => checkSettings(postgresSettings, values), JSON.stringify(values))
    else checkRejection(t, thrown(() => checkSettings(postgresSettings, values)), postgresSettings, name)
  }
})

const sqliteSessions: Record<string, string[]> = {
  query_only: ['query_only = on'],
  read_uncommitted: ['read_uncommitted = on'],
  journal_mode: ['journal_mode = memory']
}

t.test('SQLite: open rejects a connection that is not safe', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  for (const [name, pragmas] of Object.entries(sqliteSessions)) {
    for (const pragma of pragmas) {
      const remedy = await rejected(t, sqliteWith(t, place, [pragma]), sqliteSettings, name)
      const safe = sqliteWith(t, emptyPlace(t, 'sqlite'), [pragma, remedy.replace('pragma ', '')])
      await accepted(t, safe, remedy)
    }
  }
  // better-sqlite3 cannot switch the journal off.
  checkRejection(
    t, thrown(() => checkSettings(sqliteSettings, { journal_mode: 'off', file: '' })), sqliteSettings, 'journal_mode'
  )
  await accepted(t, sqliteWith(t, 'sqlite::memory:', []), 'in memory')
})

t.test('SQLite: open rejects a read-only file', async (t) => {
  const readOnly = {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: /the file is read-only: nothing can be written\. Open the file for writing/,
    cause: { code: 'SQLITE_READONLY' }
  }
  const place = emptyPlace(t, 'sqlite')
  await migrateStorage(storageAt(place))
  await t.rejects(sqliteWith(t, place, [], { readonly: true }).open(), readOnly)
  await accepted(t, sqliteWith(t, place, []), 'for writing')
})

t.test('SQLite: open accepts a file that another process writes to', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  await migrateStorage(storageAt(place))
  const { db } = backDoor(t, place)
  const storage = sqliteStorage({ filename: place.replace('sqlite:', ''), busyTimeout: 0 })
  await db.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection)
    await accepted(t, storage, 'locked')
    await sql`rollback`.execute(connection)
  })
})

t.test('SQLite: open accepts a service that hides its settings', async (t) => {
  const database = new Database(':memory:')
  const prepare = database.prepare.bind(database)
  database.prepare = ((text: string) => {
    if (text.includes('pragma')) throw new Error('not authorized')
    return prepare(text)
  }) as never
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database }) })
  t.teardown(() => db.destroy())
  await accepted(t, new KyselyStorage({ db }), 'not authorized')
})

t.test('settings: each one has a test', async (t) => {
  const names = (settings: readonly Setting[]) => settings.map(({ name }) => name).sort()
  const tested = (...names: Array<string | undefined>) =>
    [...new Set(names.filter((name) => name !== undefined))].sort()
  t.same(
    names(mysqlSettings),
    tested(...Object.keys(mysqlSessions), ...Object.keys(mysqlServers), ...mysqlAnswers.map(([name]) => name))
  )
  t.same(
    names(postgresSettings),
    tested(...Object.keys(postgresSessions), ...postgresTables, ...postgresAnswers.map(([name]) => name))
  )
  t.same(names(sqliteSettings), Object.keys(sqliteSessions).sort())
})

t.test('settings: the guide has each one', async (t) => {
  const readme = readFileSync(new URL('../../../examples/README.md', import.meta.url), 'utf8')
  const table = /\| what is rejected \|.*?\n\n/s.exec(readme)?.[0] ?? ''
  const cells = [...table.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => cell).join()
  const values = ['ORACLE', 'EMPTY_STRING_IS_NULL']
  const documented = [...cells.matchAll(/`(.*?)`/g)]
    .map(([, name]) => name as string)
    .filter((name) => !values.includes(name))
  t.same(documented.sort(), [...mysqlSettings, ...postgresSettings, ...sqliteSettings].map(({ name }) => name).sort())
})

t.test('MySQL: open accepts a session without a strict mode', onMysql, async (t) => {
  for (const mode of ['', 'NO_ENGINE_SUBSTITUTION', 'ANSI,NO_ENGINE_SUBSTITUTION']) {
    await accepted(t, mysqlStorage(emptyPlace(t, 'mysql'), [`set session sql_mode = '${mode}'`]), mode)
  }
})

// All at once. Settings of the optimizer, of memory, logs and statistics change no answer. A timeout returns 503.
// Other tests have time zones, formats and encodings.
const harmless = {
  mysql: [
    'transaction isolation level read committed', "sql_mode = 'TRADITIONAL,ANSI,PAD_CHAR_TO_FULL_LENGTH,NO_AUTO_VALUE_ON_ZERO,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,TIME_ROUND_FRACTIONAL,SIMULTANEOUS_ASSIGNMENT'",
    'sql_auto_is_null = 1', 'sql_safe_updates = 1', 'sql_buffer_result = 1', 'sql_notes = 0', 'sql_warnings = 1', 'big_tables = 1', 'low_priority_updates = 1', 'old_mode = default',
    'default_storage_engine = MyISAM', 'innodb_table_locks = 0', 'innodb_snapshot_isolation = 1', 'auto_increment_increment = 7', 'auto_increment_offset = 3', 'div_precision_increment = 0', 'max_sort_length = 64',
    'group_concat_max_len = 4', 'lc_time_names = de_DE', 'timestamp = 1', 'time_zone = \'+05:00\'', 'updatable_views_with_limit = 0', 'sql_quote_show_create = 0', 'in_predicate_conversion_threshold = 1',
    'collation_connection = utf8mb4_general_ci', 'sql_if_exists = 1', 'pseudo_slave_mode = 1'
  ],
  postgres: {
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    transform_null_equals: 'on',
    standard_conforming_strings: 'off',
    backslash_quote: 'on',
    array_nulls: 'off',
    row_security: 'off',
    session_replication_role: 'local',
    synchronous_commit: 'local',
    bytea_output: 'escape',
    extra_float_digits: '-15',
    constraint_exclusion: 'on',
    gin_fuzzy_search_limit: '1',
    quote_all_identifiers: 'on',
    check_function_bodies: 'off',
    plan_cache_mode: 'force_generic_plan',
    enable_indexscan: 'off',
    intervalstyle: 'sql_standard',
    client_min_messages: 'error',
    search_path: 'nowhere,public'
  },
  sqlite: [
    'foreign_keys = off', 'defer_foreign_keys = on', 'ignore_check_constraints = on', 'recursive_triggers = on', 'synchronous = off', 'writable_schema = on', 'trusted_schema = off', 'case_sensitive_like = on',
    'reverse_unordered_selects = on', 'automatic_index = off', 'legacy_alter_table = on', 'secure_delete = on', 'journal_mode = truncate', 'temp_store = memory'
  ]
}

const storages = {
  sqlite: (t: Test, place: string) => sqliteWith(t, place, harmless.sqlite),
  postgres: (_: Test, place: string) => postgresStorage(place, harmless.postgres),
  mysql: (_: Test, place: string) => mysqlStorage(place, harmless.mysql.map((line) => `set session ${line}`))
}
for (const database of databaseNames) {
  t.test(`${database}: open accepts settings that do no harm`, { skip: await unavailable(database) }, async (t) => {
    const place = emptyPlace(t, database)
    await accepted(t, storages[database](t, place), 'on an empty database')
    const { db, prefix } = backDoor(t, place)
    testStorage((name, run) => /^(users|tokens):/.test(name) && t.test(name, run), async () => {
      for (const table of ['tokens', 'users']) await db.deleteFrom(prefix + table).execute()
      return storages[database](t, place)
    })
  })
}

function thrown (run: () => void): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  return new Error('nothing was thrown')
}
