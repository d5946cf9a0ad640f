import { sql, type Kysely } from 'kysely'
import { DatabaseNotMigratedError, DatabaseTooNewError } from '../../../errors.js'
import { retryConflicts } from '../retry-conflicts.js'
import type { DialectTraits } from '../dialects/index.js'
import type { TableNames, Tables } from '../tables.js'
import { migrations, schemaVersion } from './index.js'
import { withTableOptions, type SchemaChange } from './migration.js'

/** Returns the schema version of the database, or 0 if it was never migrated. */
async function currentVersion (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<number> {
  try {
    const { version } = await db.selectFrom(names.migrations)
      .select(({ fn }) => fn.max('version').as('version'))
      // If the app has a table of its own with this name, the table lacks this column, and the query fails.
      .where('applied_at', 'is not', null)
      .executeTakeFirstOrThrow()
    return Math.max(Number(version ?? 0), 0)
  } catch (error) {
    if (traits.isMissingTable(error)) return 0
    throw error
  }
}

/**
 * Upgrades the database to `schemaVersion`. Any number of processes may call this function at once. Each process may be
 * killed at any statement.
 *
 * Kysely's Migrator is not used, for three reasons. The lock of the Migrator does nothing on SQLite, so concurrent
 * starts fail. A process that is killed leaves half a migration. Kysely 0.28 and 0.29 export the Migrator from
 * different places.
 *
 * @returns the versions of the schema before and after this call
 * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
 */
export async function migrate (
  db: Kysely<Tables>, traits: DialectTraits, names: TableNames
): Promise<{ from: number, to: number }> {
  // Most starts find nothing to do, and do not need the lock.
  const found = await currentVersion(db, traits, names)
  if (found === schemaVersion) return { from: found, to: found }
  rejectNewer(found)
  await createMigrationsTable(db, traits, names)
  const from = await retryConflicts(traits, () =>
    traits.withMigrationLock(db, names, (locked) => migrateLocked(locked, traits, names)))
  return { from, to: schemaVersion }
}

async function createMigrationsTable (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<void> {
  try {
    await withTableOptions(traits, db.schema.createTable(names.migrations).ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .addColumn('applied_at', traits.types.time, (column) => column.notNull())).execute()
  } catch (error) {
    // Another process may create the table at the same time.
    if (!traits.isAlreadyExists(error)) throw error
  }
}

async function migrateLocked (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<number> {
  const from = await currentVersion(db, traits, names)
  rejectNewer(from)
  for (let version = from + 1; version <= schemaVersion; version++) await apply(db, traits, names, version)
  return from
}

async function apply (db: Kysely<Tables>, traits: DialectTraits, names: TableNames, version: number): Promise<void> {
  const begin = { version: -version, applied_at: traits.writeTime(new Date().toISOString()) }
  // If the database cannot undo DDL, this row remains when the process is killed. The next start then knows that the
  // existing tables are the plugin's, and not the app's.
  const begun = await db.selectFrom(names.migrations).select('version')
    .where('version', '=', begin.version)
    .executeTakeFirst()
  if (begun === undefined) {
    if (!traits.supportsTransactionalDdl) await rejectExisting(db, traits, newTables(names)[version] ?? [])
    await db.insertInto(names.migrations).values(begin).execute()
  }
  const create = async (change: SchemaChange) => {
    try {
      await change.execute()
    } catch (error) {
      if (begun === undefined || !traits.isAlreadyExists(error)) throw error
    }
  }
  await migrations[version - 1]?.({ db, traits, names, create })
  await db.insertInto(names.migrations).values({ ...begin, version }).execute()
}

/** Returns the tables that each version creates. */
function newTables ({ users, tokens, audit, audit_last: last }: TableNames): Readonly<Record<number, string[]>> {
  return { 1: [users, tokens], 5: [audit, last] }
}

/**
 * Checks that none of these tables exists. A migration that the database cannot undo calls this function before it
 * creates the tables.
 *
 * @throws {Error} if one of the tables exists
 */
async function rejectExisting (db: Kysely<Tables>, traits: DialectTraits, tables: string[]): Promise<void> {
  for (const table of tables) {
    const query = sql`select 1 from ${sql.table(table)} limit 1`
    const exists = await query.execute(db).then(() => true, (error) => {
      if (traits.isMissingTable(error)) return false
      throw error
    })
    if (exists) throw new Error(`table ${table} already exists`)
  }
}

function rejectNewer (found: number): void {
  if (found > schemaVersion) throw new DatabaseTooNewError(found, schemaVersion)
}

/**
 * Checks that the schema of the database has the version `schemaVersion`. Changes nothing. `migrate: false` uses this.
 *
 * @throws {DatabaseNotMigratedError} if migrations are missing
 * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
 */
export async function checkMigrated (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<void> {
  const found = await currentVersion(db, traits, names)
  rejectNewer(found)
  if (found < schemaVersion) throw new DatabaseNotMigratedError(found, schemaVersion)
}
