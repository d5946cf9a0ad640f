import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { TableNames } from '../tables.js'
import { checkSettings, findUnsafe, schemaOf, type Setting, type Values } from './settings.js'

interface PostgresSetting extends Setting {
  /**
   * The expression that reads the value, if `name` is not a setting of PostgreSQL. In the expression, `t` has the rows
   * of pg_class for the tables of the storage.
   */
  read?: RawBuilder<unknown>
}

const isOff = (value: string) => /^(off|f|false)$/.test(value)

/** Returns a message that ends with the statement that makes the sessions of the role safe. */
const alterRole = (consequence: string, change: string) => `${consequence}. Run: alter role … ${change}`

const oldData = 'the server answers with old data'
const unenforced = 'foreign keys are not enforced'

const recovery: PostgresSetting = {
  name: 'pg_is_in_recovery()',
  read: sql`pg_is_in_recovery()`,
  isSafe: isOff,
  message: 'the server is a standby, which answers with old data. Connect to the primary'
}

/**
 * The settings of PostgreSQL, YugabyteDB and CockroachDB that can do harm.
 * `harmless` in test/storage/sql/settings.test.ts lists the settings that cannot do harm.
 */
export const postgresSettings: readonly PostgresSetting[] = [
  recovery,
  {
    name: 'default_transaction_read_only',
    isSafe: isOff,
    message: alterRole('nothing can be written', 'set default_transaction_read_only = off')
  },
  { name: 'yb_read_from_followers', isSafe: isOff, message: alterRole(oldData, 'set yb_read_from_followers = off') },
  {
    name: 'default_transaction_use_follower_reads',
    isSafe: isOff,
    message: alterRole(oldData, 'set default_transaction_use_follower_reads = off')
  },
  {
    name: 'tables of a subscription',
    read: sql`exists (select from pg_subscription_rel, t where srrelid = t.oid)`,
    isSafe: isOff,
    message: 'another server writes to these tables, so this server answers with old data. ' +
      'Connect to the server that publishes the tables, or leave the tables out of its publication'
  },

  {
    name: 'synchronous_commit',
    isSafe: (value) => value !== 'off',
    message: alterRole(
      'a crash of the server undoes acknowledged changes, such as a revocation', 'set synchronous_commit = on'
    )
  },
  {
    name: 'temporary, unlogged or foreign tables',
    // The first line is for tables that do not exist yet: the migration will create them in the current schema.
    read: sql`coalesce(current_schema() like 'pg_temp%', false)
      or exists (select from t where relpersistence <> 'p' or relkind not in ('r', 'p'))`,
    isSafe: isOff,
    message: 'rows are lost or hidden. Run for each of these tables: alter table … set logged, ' +
      'and leave pg_temp out of the search_path'
  },
  {
    name: 'zero_damaged_pages',
    isSafe: isOff,
    message: alterRole('rows of damaged pages are hidden', 'set zero_damaged_pages = off')
  },
  {
    name: 'ignore_checksum_failure',
    isSafe: isOff,
    message: alterRole('rows of damaged pages are changed or hidden', 'set ignore_checksum_failure = off')
  },
  {
    name: 'row level security',
    // This expression does the same as row_security_active(), which CockroachDB does not have.
    read: sql`exists (select from t where relrowsecurity
        and (relforcerowsecurity or not pg_has_role(relowner, 'USAGE')))
      and not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls))`,
    isSafe: isOff,
    message: alterRole(
      'rows are hidden from this role', 'bypassrls, or for each table: alter table … disable row level security'
    )
  },

  {
    name: 'session_replication_role',
    isSafe: (value) => value !== 'replica',
    message: alterRole(unenforced, 'reset session_replication_role')
  },
  {
    name: 'disabled triggers',
    read: sql`exists (select from pg_trigger, t
      where tgrelid = t.oid and tgisinternal and tgenabled not in ('O', 'A'))`,
    isSafe: isOff,
    message: `${unenforced}. Run for each table: alter table … enable trigger all`
  }
]

/**
 * Checks the settings of the server and of one session. Assumes that all connections of a pool have the same settings.
 *
 * @throws {StorageOpenError} for the first setting that is not safe
 */
export async function checkPostgresSettings (db: Kysely<any>, names: TableNames): Promise<void> {
  const schema = sql`coalesce(quote_ident(cast(${schemaOf(db)} as text)) || '.', '')`
  const oids = Object.values(names).map((name) => sql`to_regclass(${schema} || quote_ident(cast(${name} as text)))`)
  const columns = postgresSettings.map(selected)
  const { rows } = await sql<Values>`with t as (select * from pg_class where oid in (${sql.join(oids)}))
    select ${sql.join(columns)}`.execute(db)
  checkSettings(postgresSettings, rows[0] ?? {})
}

/** The check whether the server is a standby. A primary becomes a standby only by a restart, which ends sessions. */
export const standbyCheck = {
  checkQuery: sql<Values>`select ${selected(recovery)}`,
  faultOf: ([row]: readonly object[]) => findUnsafe([recovery], (row ?? {}) as Values),
  checkLasts: Infinity
}

function selected ({ name, read = sql`current_setting(${sql.lit(name)}, true)` }: PostgresSetting) {
  return sql`cast(${read} as text) as ${sql.id(name)}`
}
