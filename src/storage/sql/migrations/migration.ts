import type { CreateTableBuilder, Kysely } from 'kysely'
import type { DialectTraits } from '../dialects/index.js'
import type { TableNames, Tables } from '../tables.js'

/** A schema change that Kysely's schema builder can execute. */
export interface SchemaChange {
  execute (): Promise<unknown>
}

/** The arguments of a migration. */
export interface MigrationContext {
  /** The database, in a transaction if `traits.supportsTransactionalDdl`, else under the migration lock. */
  readonly db: Kysely<Tables>
  /** The traits of the database. */
  readonly traits: DialectTraits
  /** The names of the tables, with the prefix. */
  readonly names: TableNames
  /** Creates a table, column or index. Skips an existing one if an earlier start was killed during this migration. */
  create (change: SchemaChange): Promise<void>
}

/**
 * Upgrades the schema by one version. A released migration never changes. If the database cannot undo half a
 * migration, the next start runs the migration again from its beginning. So each change without `create` must be
 * repeatable.
 */
export type Migration = (context: MigrationContext) => Promise<void>

/** Adds the options that the database needs at the end of `create table`. */
export function withTableOptions (traits: DialectTraits, table: CreateTableBuilder<any, any>) {
  return traits.tableOptions === undefined ? table : table.modifyEnd(traits.tableOptions)
}
