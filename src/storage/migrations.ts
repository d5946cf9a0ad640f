import { sql, type Kysely } from 'kysely'
import { DatabaseNotMigratedError, DatabaseTooNewError } from '../errors.js'
import { searchable } from '../text.js'
import type { TableNames, Tables } from './tables.js'

type Migration = (db: Kysely<Tables>, names: TableNames) => Promise<void>

// Version n of the schema is what the first n of these leave behind. Published ones are never changed.
const migrations: Migration[] = [
  async (db, { users, tokens }) => {
    await db.schema.createTable(users)
      // AUTOINCREMENT: without it SQLite gives the key of a deleted row out again.
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('email', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text')
      .addColumn('max_concurrent_bots', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()
    await db.schema.createTable(tokens)
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('user_id', 'integer', (column) => column.notNull().references(`${users}.id`).onDelete('cascade'))
      .addColumn('hash', 'blob', (column) => column.notNull().unique())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()
    await db.schema.createIndex(`${tokens}_user_id`).on(tokens).column('user_id').execute()
  },
  async (db, { users, tokens }) => {
    await db.schema.alterTable(users).addColumn('disabled', 'integer', (column) => column.notNull().defaultTo(0)).execute()
    await db.schema.alterTable(users).addColumn('data', 'text').execute()
    await db.schema.alterTable(users).addColumn('revision', 'integer', (column) => column.notNull().defaultTo(0)).execute()
    await db.schema.alterTable(users).addColumn('searchable_name', 'text').execute()
    await db.schema.alterTable(tokens).addColumn('name', 'text').execute()
    await db.schema.alterTable(tokens).addColumn('scopes', 'text').execute()
    await db.schema.alterTable(tokens).addColumn('expires_at', 'text').execute()
    await db.schema.alterTable(tokens).addColumn('expires_in', 'integer').execute()
    await db.schema.alterTable(tokens).addColumn('last_used_at', 'text').execute()
    // Users who were there before are found by their names, too.
    for (const { id, name } of await db.selectFrom(users).select(['id', 'name']).where('name', 'is not', null).execute()) {
      await db.updateTable(users).set({ searchable_name: searchable(name as string) }).where('id', '=', id).execute()
    }
  }
]

/** The schema version that this code works with. */
export const schemaVersion = migrations.length

/** 0 for a database that was never migrated. */
async function currentVersion (db: Kysely<Tables>, names: TableNames): Promise<number> {
  const table = await sql`select 1 from sqlite_master where type = 'table' and name = ${names.migrations}`.execute(db)
  if (table.rows.length === 0) return 0
  const { version } = await db.selectFrom(names.migrations)
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirstOrThrow()
  return version ?? 0
}

/**
 * Brings the database to `schemaVersion`. Any number of processes may do so at a time; a process that is
 * killed on the way leaves the database as it was.
 *
 * Not Kysely's own Migrator: its lock is a no-op on SQLite, where concurrent starts then fail, and what it has done
 * so far outlives a kill halfway; besides, Kysely 0.28 and 0.29 export it from different places.
 *
 * @throws {DatabaseTooNewError} if the database was migrated by a newer version of this package
 */
export async function migrate (db: Kysely<Tables>, names: TableNames): Promise<void> {
  // Most starts find nothing to do, and then need no write lock.
  if (await currentVersion(db, names) === schemaVersion) return

  await db.connection().execute(async (connection) => {
    // Takes the write lock at once: a deferred transaction would start as a reader and then fail to become a writer.
    await sql`begin immediate`.execute(connection)
    try {
      await migrateLocked(connection, names)
      await sql`commit`.execute(connection)
    } catch (error) {
      // SQLite may have rolled back by itself already (disk full, I/O error); the first error is the one to report.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
}

async function migrateLocked (db: Kysely<Tables>, names: TableNames): Promise<void> {
  await db.schema.createTable(names.migrations).ifNotExists()
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('applied_at', 'text', (column) => column.notNull())
    .execute()
  const found = await currentVersion(db, names)
  if (found > schemaVersion) throw new DatabaseTooNewError(found, schemaVersion)
  for (const [index, migration] of migrations.entries()) {
    const version = index + 1
    if (version <= found) continue
    await migration(db, names)
    await db.insertInto(names.migrations).values({ version, applied_at: new Date().toISOString() }).execute()
  }
}

/**
 * For `migrate: false`: checks that the database is ready, and changes nothing.
 *
 * @throws {DatabaseNotMigratedError} if migrations are missing
 * @throws {DatabaseTooNewError} if the database was migrated by a newer version of this package
 */
export async function checkMigrated (db: Kysely<Tables>, names: TableNames): Promise<void> {
  const found = await currentVersion(db, names)
  if (found > schemaVersion) throw new DatabaseTooNewError(found, schemaVersion)
  if (found < schemaVersion) throw new DatabaseNotMigratedError(found, schemaVersion)
}
