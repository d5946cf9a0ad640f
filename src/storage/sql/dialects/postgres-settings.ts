import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { TableNames } from '../tables.js'
import { checkSettings, schemaOf, type Setting, type Values } from './settings.js'

interface PostgresSetting extends Setting {
  /** How to read it, where it is no setting. `t` has our tables. */
  read?: RawBuilder<unknown>
}

const isOff = (value: string) => /^(off|f|false)$/.test(value)

const past = 'the server answers with old data'

/** What a session, a role or a server of PostgreSQL, YugabyteDB or CockroachDB can change to the worse. The test has the ones that do no harm. */
export const postgresSettings: readonly PostgresSetting[] = [
  { name: 'pg_is_in_recovery()', read: sql`pg_is_in_recovery()`, isSafe: isOff, message: 'the server is a standby, which answers with old data. Connect to the primary' },
  { name: 'default_transaction_read_only', isSafe: isOff, message: 'nothing can be written. Run: alter role … set default_transaction_read_only = off' },
  { name: 'yb_read_from_followers', isSafe: isOff, message: `${past}. Run: alter role … set yb_read_from_followers = off` },
  { name: 'default_transaction_use_follower_reads', isSafe: isOff, message: `${past}. Run: alter role … set default_transaction_use_follower_reads = off` },
  {
    name: 'tables of a subscription',
    read: sql`exists (select from pg_subscription_rel, t where srrelid = t.oid)`,
    isSafe: isOff,
    message: 'another server writes to them, and this one answers with old data. Connect to the other one, or leave the tables out of its publication'
  },

  { name: 'synchronous_commit', isSafe: (value) => value !== 'off', message: 'a crash of the server undoes what was acknowledged, such as a revocation. Run: alter role … set synchronous_commit = on' },
  {
    name: 'temporary, unlogged or foreign tables',
    // That of a search path is where tables will be created.
    read: sql`coalesce(current_schema() like 'pg_temp%', false) or exists (select from t where relpersistence <> 'p' or relkind not in ('r', 'p'))`,
    isSafe: isOff,
    message: 'rows are lost or hidden. Run for each of them: alter table … set logged, and leave pg_temp out of the search_path'
  },
  { name: 'zero_damaged_pages', isSafe: isOff, message: 'rows of damaged pages are hidden. Run: alter role … set zero_damaged_pages = off' },
  { name: 'ignore_checksum_failure', isSafe: isOff, message: 'rows of damaged pages are changed or hidden. Run: alter role … set ignore_checksum_failure = off' },
  {
    name: 'row level security',
    // As row_security_active() has it, which CockroachDB lacks.
    read: sql`exists (select from t where relrowsecurity and (relforcerowsecurity or not pg_has_role(relowner, 'USAGE')))
      and not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls))`,
    isSafe: isOff,
    message: 'rows are hidden from this role. Run: alter role … bypassrls, or for each table: alter table … disable row level security'
  },

  { name: 'session_replication_role', isSafe: (value) => value !== 'replica', message: 'foreign keys are not enforced. Run: alter role … reset session_replication_role' },
  {
    name: 'disabled triggers',
    read: sql`exists (select from pg_trigger, t where tgrelid = t.oid and tgisinternal and tgenabled not in ('O', 'A'))`,
    isSafe: isOff,
    message: 'foreign keys are not enforced. Run for each table: alter table … enable trigger all'
  }
]

/**
 * Checks what the server and the session say of themselves: of one connection, for all of a pool.
 *
 * @throws {StorageOpenError} if it is not safe to use them
 */
export async function checkPostgresSettings (db: Kysely<any>, names: TableNames): Promise<void> {
  const schema = schemaOf(db)
  const oids = Object.values(names).map((name) => sql`to_regclass(coalesce(quote_ident(cast(${schema} as text)) || '.', '') || quote_ident(cast(${name} as text)))`)
  const columns = postgresSettings.map(({ name, read = sql`current_setting(${sql.lit(name)}, true)` }) => sql`cast(${read} as text) as ${sql.id(name)}`)
  const { rows } = await sql<Values>`with t as (select * from pg_class where oid in (${sql.join(oids)})) select ${sql.join(columns)}`.execute(db)
  checkSettings(postgresSettings, rows[0] ?? {})
}
