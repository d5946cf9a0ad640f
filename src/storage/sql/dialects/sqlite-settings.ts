import { sql, type Kysely } from 'kysely'
import { StorageOpenError } from '../../../errors.js'
import type { TableNames } from '../tables.js'
import { checkSettings, type Setting, type Values } from './settings.js'

const readOnly = 'nothing can be written. Open the file for writing, and without query_only and immutable'

/** What a connection to SQLite can change to the worse. The test has the ones that do no harm. */
export const sqliteSettings: readonly Setting[] = [
  { name: 'query_only', isSafe: (value) => value === '0', message: `${readOnly}. Run: pragma query_only = off` },
  { name: 'read_uncommitted', isSafe: (value) => value === '0', message: 'changes are seen that may be undone. Run: pragma read_uncommitted = off' },
  {
    name: 'journal_mode',
    // A database in memory has its journal there, too.
    isSafe: (value, { file }) => value !== 'off' && (value !== 'memory' || !file),
    message: 'a crash damages the file, or a failed write is kept by half. Run: pragma journal_mode = wal'
  }
]

/**
 * Checks what the connection and the file can be set to.
 *
 * @throws {StorageOpenError} if it is not safe to use them
 */
export async function checkSqliteSettings (db: Kysely<any>, { migrations }: TableNames): Promise<void> {
  const columns = sqliteSettings.map(({ name }) => sql`(select cast(${sql.id(name)} as text) from ${sql.id(`pragma_${name}`)}) as ${sql.id(name)}`)
  // Services that speak SQLite's language do not let anybody read or change them.
  const { rows } = await sql<Values>`select ${sql.join(columns)}, (select file from pragma_database_list where name = 'main') as file`.execute(db).catch(() => ({ rows: [] }))
  checkSettings(sqliteSettings, rows[0] ?? {})
  try {
    // SQLite says of a file only when it is written to that it is read-only. This writes no row.
    await db.updateTable(migrations).set(({ ref }) => ({ version: ref('version') })).where(sql<boolean>`1 = 0`).execute()
  } catch (error) {
    // Where there is no table yet, its creation fails; a file that is locked can be written to later.
    if (error instanceof Error && error.message.includes('readonly database')) throw new StorageOpenError(`the file is read-only: ${readOnly}`, { cause: error })
  }
}
