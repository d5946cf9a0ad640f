import { sql, type Kysely } from 'kysely'
import { StorageOpenError } from '../../../errors.js'
import type { TableNames } from '../tables.js'
import { checkSettings, type Setting, type Values } from './settings.js'

const readOnly = 'nothing can be written. Open the file for writing, and without query_only and immutable'

/**
 * The settings of SQLite that can do harm, except `synchronous`. `sqliteStorage` sets `synchronous` to `full`. An app
 * that opens its own database chooses the value of `synchronous`. `harmless` in test/storage/sql/settings.test.ts lists
 * the settings that cannot do harm.
 */
export const sqliteSettings: readonly Setting[] = [
  {
    name: 'query_only',
    isSafe: (value) => value === '0',
    message: `${readOnly}. Run: pragma query_only = off`
  },
  {
    name: 'read_uncommitted',
    isSafe: (value) => value === '0',
    message: 'reads see changes that may be undone. Run: pragma read_uncommitted = off'
  },
  {
    name: 'journal_mode',
    // A database in memory also has its journal in memory.
    isSafe: (value, { file }) => value !== 'off' && (value !== 'memory' || !file),
    message: 'a crash can damage the file, or half of a failed write can remain. Run: pragma journal_mode = wal'
  }
]

/**
 * Checks the settings of the connection, and checks that the file can be written.
 *
 * @throws {StorageOpenError} for the first setting that is not safe, or if the file is read-only
 */
export async function checkSqliteSettings (db: Kysely<any>, { migrations }: TableNames): Promise<void> {
  const columns = sqliteSettings.map(({ name }) =>
    sql`(select cast(${sql.id(name)} as text) from ${sql.id(`pragma_${name}`)}) as ${sql.id(name)}`)
  const file = sql`(select file from pragma_database_list where name = 'main') as file`
  const { rows } = await sql<Values>`select ${sql.join(columns)}, ${file}`.execute(db)
    // The query can fail on a hosted service with the SQL of SQLite, which does not let clients read or change
    // settings.
    .catch(() => ({ rows: [] }))
  checkSettings(sqliteSettings, rows[0] ?? {})
  try {
    // SQLite reports a read-only file only when a statement writes to it. This statement changes no row.
    await db.updateTable(migrations)
      .set(({ ref }) => ({ version: ref('version') }))
      .where(sql<boolean>`1 = 0`)
      .execute()
  } catch (error) {
    // Other errors are harmless here: a missing table is created later, and a locked file is written later.
    if (error instanceof Error && error.message.includes('readonly database')) {
      throw new StorageOpenError(`the file is read-only: ${readOnly}`, { cause: error })
    }
  }
}
