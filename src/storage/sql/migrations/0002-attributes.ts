import { normalizeForSearch } from '../../../normalize.js'
import type { Migration } from './migration.js'

/**
 * Adds columns: disabled, data, revision and searchable name of users, and name, scopes, expiry and last use of tokens.
 */
export const addAttributes: Migration = async ({ db, traits, names: { users, tokens }, create }) => {
  const { types } = traits
  const no = traits.writeBoolean(false)
  const alterUsers = db.schema.alterTable(users)
  const alterTokens = db.schema.alterTable(tokens)
  await create(alterUsers.addColumn('disabled', types.boolean, (column) => column.notNull().defaultTo(no)))
  await create(alterUsers.addColumn('data', types.json))
  await create(alterUsers.addColumn('revision', types.key, (column) => column.notNull().defaultTo(0)))
  await create(alterUsers.addColumn('searchable_name', types.text))
  await create(alterTokens.addColumn('name', types.text))
  await create(alterTokens.addColumn('scopes', types.json))
  await create(alterTokens.addColumn('expires_at', types.time))
  await create(alterTokens.addColumn('expires_in', types.integer))
  await create(alterTokens.addColumn('last_used_at', types.time))
  // Without this loop, a search misses the names of existing users.
  const named = await db.selectFrom(users).select(['id', 'name']).where('name', 'is not', null).execute()
  for (const { id, name } of named) {
    const changes = { searchable_name: normalizeForSearch(name as string) }
    await db.updateTable(users).set(changes).where('id', '=', id).execute()
  }
}
