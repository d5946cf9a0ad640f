import { sql, type Kysely, type RawBuilder } from 'kysely'

/**
 * Checks that text goes to the database and comes back as it was.
 *
 * @param type of text that a value can be cast to
 * @throws {Error} if it does not
 */
export async function checkEcho (db: Kysely<any>, type: RawBuilder<unknown>): Promise<void> {
  const text = '\u{1F511} \u00EB \\ \\\\'
  const { rows } = await sql<{ echo: unknown }>`select cast(${text} as ${type}) as echo`.execute(db)
  if (rows[0]?.echo !== text) throw new Error('text does not come back from it as it was: the connection must use UTF-8 (utf8mb4), and MySQL not the mode NO_BACKSLASH_ESCAPES')
}
