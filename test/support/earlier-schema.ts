import type { Kysely } from 'kysely'
import { detectDialect } from '../../src/storage/sql/dialects/index.js'
import { migrations } from '../../src/storage/sql/migrations/index.js'
import { tableNames } from '../../src/storage/sql/tables.js'

/** Creates the tables of an earlier version of the schema, as the migrations to that version do. */
export async function createEarlierSchema (db: Kysely<any>, prefix: string, version: number): Promise<void> {
  const traits = detectDialect(db)
  const names = tableNames(prefix)
  await db.schema.createTable(names.migrations)
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('applied_at', traits.types.time, (column) => column.notNull())
    .execute()
  const appliedAt = traits.writeTime('2024-01-01T12:00:00.000Z')
  for (const [i, migration] of migrations.slice(0, version).entries()) {
    await migration({ db, traits, names, create: async (change) => { await change.execute() } })
    const rows = [-i - 1, i + 1].map((version) => ({ version, applied_at: appliedAt }))
    await db.insertInto(names.migrations).values(rows).execute()
  }
}
