import { sql, type Kysely } from 'kysely'
import { normalizeForSearch } from '../../../normalize.js'
import type { TableNames, Tables } from '../tables.js'
import type { Migration } from './migration.js'

const batchSize = 500

/** Adds columns of tokens: data, disabled, start, searchable name and successor. Adds indexes for lists of tokens. */
export const addTokenAttributes: Migration = async ({ db, traits, names: { tokens }, create }) => {
  const { types } = traits
  const no = traits.writeBoolean(false)
  const alter = db.schema.alterTable(tokens)
  await create(alter.addColumn('data', types.json))
  await create(alter.addColumn('disabled', types.boolean, (column) => column.notNull().defaultTo(no)))
  // The column `start` has the type of an e-mail address, because both are compared byte by byte in an index.
  await create(alter.addColumn('start', traits.emailTypeSince3 ?? types.email))
  await create(alter.addColumn('searchable_name', types.text))
  await create(alter.addColumn('successor_id', types.key))
  for (const column of ['start', 'expires_at'] as const) {
    const index = db.schema.createIndex(`${tokens}_${column}`).on(tokens).column(column)
    // Most tokens have neither a start nor an expiry.
    await create(traits.supportsPartialIndexes ? index.where(column, 'is not', null) : index)
  }
  if (!traits.indexesEndWithKey) {
    await create(db.schema.createIndex(`${tokens}_user_id_id`).on(tokens).columns(['user_id', 'id']))
    await db.schema.dropIndex(`${tokens}_user_id`).ifExists().execute()
  }
  await fillSearchableNames(db, tokens)
}

/** Writes the searchable names of existing tokens. Without them, a search misses these tokens. */
async function fillSearchableNames (db: Kysely<Tables>, tokens: TableNames['tokens']): Promise<void> {
  const named = db.selectFrom(tokens).select(['id', 'name']).where('name', 'is not', null).orderBy('id')
    .limit(sql.lit(batchSize))
  let batch = await named.execute()
  while (batch.length > 0) {
    const names = batch.map(({ id, name }) => sql`when ${id} then ${normalizeForSearch(name as string)}`)
    const ids = batch.map(({ id }) => id)
    await db.updateTable(tokens)
      .set({ searchable_name: sql<string>`case id ${sql.join(names, sql` `)} end` })
      .where('id', 'in', ids)
      .execute()
    batch = await named.where('id', '>', ids.at(-1) as number).execute()
  }
}
