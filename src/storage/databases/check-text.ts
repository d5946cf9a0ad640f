import { sql, type Kysely } from 'kysely'
import type { Database } from './database.js'

/**
 * Checks that text goes to the database and comes back as it was.
 *
 * @throws {Error} if it does not
 */
export async function checkText (db: Kysely<any>, database: Database): Promise<void> {
  const text = '\u{1F511} \u00EB \\ \\\\'
  const { rows } = await sql<{ echo: unknown }>`select cast(${text} as ${database.castableText}) as echo`.execute(db)
  if (rows[0]?.echo !== text) throw new Error('text does not come back from it as it was: the connection must use UTF-8 (utf8mb4), and MySQL not the mode NO_BACKSLASH_ESCAPES')
}
