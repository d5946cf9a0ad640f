import { sql, type CreateTableBuilder, type Kysely } from 'kysely'
import { DatabaseNotMigratedError, DatabaseTooNewError } from '../../../errors.js'
import { normalizeForSearch } from '../../../normalize.js'
import { retryConflicts } from '../retry-conflicts.js'
import { matchesError } from '../dialects/errors.js'
import type { DialectTraits } from '../dialects/index.js'
import type { TableNames, Tables } from '../tables.js'

interface Step {
  execute (): Promise<unknown>
}

interface Schema {
  db: Kysely<Tables>
  traits: DialectTraits
  names: TableNames
  /** Makes a table, column or index. */
  make (step: Step): Promise<void>
}

// Version n of the schema is what the first n of these leave behind. Published ones are never changed.
// Where the database cannot undo half of one, it is begun again: what else it does must bear that.
const migrations: Array<(schema: Schema) => Promise<void>> = [
  async ({ db, traits, names: { users, tokens }, make }) => {
    const { types } = traits
    await make(withOptions(traits, db.schema.createTable(users)
      .addColumn('id', types.key, (column) => traits.autoIncrement(column.primaryKey()))
      .addColumn('email', types.email, (column) => column.notNull().unique())
      .addColumn('name', types.text)
      .addColumn('max_concurrent_bots', types.integer, (column) => column.notNull())
      .addColumn('created_at', types.time, (column) => column.notNull())))
    await make(withOptions(traits, db.schema.createTable(tokens)
      .addColumn('id', types.key, (column) => traits.autoIncrement(column.primaryKey()))
      .addColumn('user_id', types.key, (column) => column.notNull())
      .addColumn('hash', types.hash, (column) => column.notNull().unique())
      .addColumn('created_at', types.time, (column) => column.notNull())
      .addForeignKeyConstraint(`${tokens}_user_id_fk`, ['user_id'], users, ['id'], (key) => key.onDelete('cascade'))))
    await make(db.schema.createIndex(`${tokens}_user_id`).on(tokens).column('user_id'))
  },
  async ({ db, traits, names: { users, tokens }, make }) => {
    const { types } = traits
    const no = traits.writeBoolean(false)
    await make(db.schema.alterTable(users).addColumn('disabled', types.boolean, (column) => column.notNull().defaultTo(no)))
    await make(db.schema.alterTable(users).addColumn('data', types.json))
    await make(db.schema.alterTable(users).addColumn('revision', types.key, (column) => column.notNull().defaultTo(0)))
    await make(db.schema.alterTable(users).addColumn('searchable_name', types.text))
    await make(db.schema.alterTable(tokens).addColumn('name', types.text))
    await make(db.schema.alterTable(tokens).addColumn('scopes', types.json))
    await make(db.schema.alterTable(tokens).addColumn('expires_at', types.time))
    await make(db.schema.alterTable(tokens).addColumn('expires_in', types.integer))
    await make(db.schema.alterTable(tokens).addColumn('last_used_at', types.time))
    // Users who were there before are found by their names, too.
    for (const { id, name } of await db.selectFrom(users).select(['id', 'name']).where('name', 'is not', null).execute()) {
      await db.updateTable(users).set({ searchable_name: normalizeForSearch(name as string) }).where('id', '=', id).execute()
    }
  },
  async ({ db, traits, names: { users, tokens } }) => {
    const { emailTypeSince3, supportsCascade } = traits
    if (emailTypeSince3 !== undefined) {
      await db.schema.alterTable(users).alterColumn('email', (column) => column.setDataType(emailTypeSince3)).execute().catch((error) => {
        // PostgreSQL names neither the object in the way nor a remedy.
        if (matchesError(error, ({ code }) => code === '0A000')) throw new Error(`${(error as Error).message}: drop the views, policies, triggers and generated columns of the app that use ${users}.email, start, and create them again`, { cause: error })
        if (!traits.isUniqueViolation(error)) throw error
        // The driver's error may hold an address.
        throw new Error(`several users have one e-mail address, because the index of ${users} was broken. Let only one of each keep it: select array_agg(id) from ${users} group by email collate "C" having count(*) > 1`)
      })
    }
    if (!supportsCascade) {
      const key = `${tokens}_user_id_fk`
      await db.schema.alterTable(tokens).dropConstraint(key).execute().catch((error) => {
        // Dropped by a start that was killed before the next step.
        if (!traits.isMissingTable(error)) throw error
      })
      // Left over where foreign keys were not enforced. No check accepts them. One by one, because MySQL's safe update mode wants a key.
      const orphans = await db.selectFrom(tokens).select('id').where('user_id', 'not in', db.selectFrom(users).select('id')).execute()
      for (const { id } of orphans) await db.deleteFrom(tokens).where('id', '=', id).execute()
      await db.schema.alterTable(tokens).addForeignKeyConstraint(key, ['user_id'], users, ['id']).execute()
    }
  }
]

/** The schema version that this code works with. */
export const schemaVersion = migrations.length

function withOptions (traits: DialectTraits, table: CreateTableBuilder<any, any>) {
  return traits.tableOptions === undefined ? table : table.modifyEnd(traits.tableOptions)
}

/** 0 for a database that was never migrated. */
async function currentVersion (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<number> {
  try {
    const { version } = await db.selectFrom(names.migrations)
      .select(({ fn }) => fn.max('version').as('version'))
      // An app's own table of this name would have other columns.
      .where('applied_at', 'is not', null)
      .executeTakeFirstOrThrow()
    return Math.max(Number(version ?? 0), 0)
  } catch (error) {
    if (traits.isMissingTable(error)) return 0
    throw error
  }
}

/**
 * Brings the database to `schemaVersion`. Any number of processes may do so at a time, and each may be killed on the way.
 *
 * Not Kysely's own Migrator: its lock is a no-op on SQLite, where concurrent starts then fail, and what it has done
 * so far outlives a kill halfway; besides, Kysely 0.28 and 0.29 export it from different places.
 *
 * @returns the versions before and after
 * @throws {DatabaseTooNewError} if the database was migrated by a newer version of this package
 */
export async function migrate (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<{ from: number, to: number }> {
  // Most starts find nothing to do, and then need no lock.
  const found = await currentVersion(db, traits, names)
  if (found === schemaVersion) return { from: found, to: found }
  refuseNewer(found)
  await createMigrationsTable(db, traits, names)
  const from = await retryConflicts(traits, () => traits.withMigrationLock(db, names, (locked) => migrateLocked(locked, traits, names)))
  return { from, to: schemaVersion }
}

async function createMigrationsTable (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<void> {
  try {
    await withOptions(traits, db.schema.createTable(names.migrations).ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .addColumn('applied_at', traits.types.time, (column) => column.notNull())).execute()
  } catch (error) {
    // Another process may have been creating it at the same moment.
    if (!traits.isAlreadyExists(error)) throw error
  }
}

async function migrateLocked (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<number> {
  const from = await currentVersion(db, traits, names)
  refuseNewer(from)
  for (let version = from + 1; version <= schemaVersion; version++) await apply(db, traits, names, version)
  return from
}

async function apply (db: Kysely<Tables>, traits: DialectTraits, names: TableNames, version: number): Promise<void> {
  const noted = { version: -version, applied_at: traits.writeTime(new Date().toISOString()) }
  // Where the database cannot undo half a migration, this note outlives a kill, and tells the next start that
  // the tables it finds are ours, and not the app's.
  const begun = await db.selectFrom(names.migrations).select('version').where('version', '=', noted.version).executeTakeFirst()
  if (begun === undefined) {
    if (version === 1 && !traits.supportsTransactionalDdl) await refuseTables(db, traits, [names.users, names.tokens])
    await db.insertInto(names.migrations).values(noted).execute()
  }
  const make = async (step: Step) => {
    try {
      await step.execute()
    } catch (error) {
      if (begun === undefined || !traits.isAlreadyExists(error)) throw error
    }
  }
  await migrations[version - 1]?.({ db, traits, names, make })
  await db.insertInto(names.migrations).values({ ...noted, version }).execute()
}

/** Where half a migration cannot be undone, what is in its way has to be found before. */
async function refuseTables (db: Kysely<Tables>, traits: DialectTraits, tables: string[]): Promise<void> {
  for (const table of tables) {
    const present = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db).then(() => true, (error) => {
      if (traits.isMissingTable(error)) return false
      throw error
    })
    if (present) throw new Error(`table ${table} already exists`)
  }
}

function refuseNewer (found: number): void {
  if (found > schemaVersion) throw new DatabaseTooNewError(found, schemaVersion)
}

/**
 * For `migrate: false`: checks that the database is ready, and changes nothing.
 *
 * @throws {DatabaseNotMigratedError} if migrations are missing
 * @throws {DatabaseTooNewError} if the database was migrated by a newer version of this package
 */
export async function checkMigrated (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<void> {
  const found = await currentVersion(db, traits, names)
  refuseNewer(found)
  if (found < schemaVersion) throw new DatabaseNotMigratedError(found, schemaVersion)
}
