import type { CreateTableBuilder, Kysely } from 'kysely'
import type { DialectTraits } from '../dialects/index.js'
import type { TableNames, Tables } from '../tables.js'

/** A schema change that Kysely's schema builder can execute. */
export interface SchemaChange {
  execute (): Promise<unknown>
}

/** The arguments of a migration. */
export interface MigrationContext {
  /** The database: in a transaction if `traits.supportsTransactionalDdl`, otherwise under the migration lock. */
  readonly db: Kysely<Tables>
  /** The traits of the database. */
  readonly traits: DialectTraits
  /** The names of the tables, with the prefix. */
  readonly names: TableNames
  /**
   * Creates a table, column or index. If an earlier process was killed during this migration, skips what already
   * exists.
   */
  create (change: SchemaChange): Promise<void>
}

/**
 * Upgrades the schema by one version. A released migration never changes. If a process is killed during a migration,
 * and the database cannot undo DDL, the next start runs the migration again from its beginning. Therefore a change that
 * does not use `create` must be repeatable.
 */
export type Migration = (context: MigrationContext) => Promise<void>

/** Adds the options that the database needs at the end of `create table`. */
export function withTableOptions (traits: DialectTraits, table: CreateTableBuilder<any, any>) {
  return traits.tableOptions === undefined ? table : table.modifyEnd(traits.tableOptions)
}
