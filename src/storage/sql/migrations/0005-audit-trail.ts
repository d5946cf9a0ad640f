import type { ColumnDefinitionBuilder } from 'kysely'
import { counterId } from '../tables.js'
import { withTableOptions, type Migration } from './migration.js'

/** Creates the tables of the audit trail. */
export const createAuditTrail: Migration = async ({ db, traits, names: { audit, audit_last: last }, create }) => {
  const { types, keysAreConsecutive, indexesEndWithKey } = traits
  const keyed = (column: ColumnDefinitionBuilder) =>
    keysAreConsecutive ? traits.autoIncrement(column.primaryKey()) : column.primaryKey()
  await create(withTableOptions(traits, db.schema.createTable(audit)
    .addColumn('id', types.key, keyed)
    // The time is in milliseconds since 1970. As text, it would take 24 bytes on SQLite.
    .addColumn('at', types.key, (column) => column.notNull())
    .addColumn('action', types.integer, (column) => column.notNull())
    .addColumn('actor', types.text)
    .addColumn('request_id', types.text)
    .addColumn('user_id', types.key, (column) => column.notNull())
    .addColumn('token_id', types.key)
    .addColumn('successor_id', types.key)
    .addColumn('changed', types.text)))
  for (const column of ['user_id', 'token_id'] as const) {
    const index = db.schema.createIndex(`${audit}_${column}`).on(audit)
      .columns(indexesEndWithKey ? [column] : [column, 'id'])
    // The index leaves out the entries of changes of users, which have no token.
    const isPartial = traits.supportsPartialIndexes && column === 'token_id'
    await create(isPartial ? index.where(column, 'is not', null) : index)
  }
  await create(withTableOptions(traits, db.schema.createTable(last)
    .addColumn('id', types.integer, (column) => column.primaryKey())
    .addColumn('last', types.key, (column) => column.notNull())))
  // A process that was killed during this migration may already have written this row.
  await db.deleteFrom(last).where('id', '=', counterId).execute()
  await db.insertInto(last).values({ id: counterId, last: 0 }).execute()
}
