import { sql } from 'kysely'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkSqliteSettings } from './sqlite-settings.js'

/** SQLite, through any driver. */
export const sqlite: DialectTraits = {
  types: { key: 'integer', email: 'text', text: 'text', integer: 'integer', boolean: 'integer', json: 'text', hash: 'blob', time: 'text' },
  // AUTOINCREMENT: without it SQLite gives the key of a deleted row out again.
  autoIncrement: (column) => column.autoIncrement(),

  // better-sqlite3 binds no booleans.
  writeBoolean: Number,
  writeTime: (time) => time,
  writeJson: (text) => text,
  selection: { boolean: sql.ref, json: sql.ref, time: sql.ref },
  readTime: (time) => time as string,

  // Integers, for that is what their columns make of numbers. Text and bytes stay in their columns what they are.
  cast: (type, value) => sqlite.types[type] === 'integer' ? sql`cast(${value} as integer)` : sql`${value}`,
  equals: {
    hash: (expression, bytes) => sql`${expression} = ${sql.raw(`x'${bytes.toString('hex')}'`)}`,
    // Not hex(…), which depends on the encoding of the database.
    text: (expression, text) => sql`${expression} = ${sql.lit(text)}`,
    json: (expression, json) => sqlite.equals.text(expression, json)
  },

  contains: (text, part) => sql`instr(${text}, ${part}) > 0`,

  // With statistics in the database, SQLite plans a kept statement anew for each value that it sees. Behind a plus it does not look.
  lookupValue: <T>(value: T) => sql<T>`+${value}`,

  supportsReturning: true,
  // A conflict that is skipped costs a key and a durable write, an error neither.
  onConflictDoNothing: false,
  supportsInsertFromSelect: true,
  // Who has only read cannot wait for the lock: it has to be taken by writing.
  supportsForUpdate: false,
  supportsCascade: true,
  supportsTransactionalDdl: true,

  // Drivers have codes of their own, but SQLite's message is the same in all of them.
  isUniqueViolation: (error) => says(error, 'UNIQUE constraint failed'),
  isForeignKeyViolation: (error) => says(error, 'FOREIGN KEY constraint failed'),
  // There is one writer at a time.
  isRetryable: () => false,
  isMissingTable: (error) => says(error, 'no such table'),
  isAlreadyExists: (error) => says(error, 'already exists'),

  checkSettings: checkSqliteSettings,
  withMigrationLock: (db, _names, work) => db.connection().execute(async (connection) => {
    // Takes the write lock at once: a deferred transaction would start as a reader and then fail to become a writer.
    await sql`begin immediate`.execute(connection)
    try {
      const result = await work(connection)
      await sql`commit`.execute(connection)
      return result
    } catch (error) {
      // SQLite may have rolled back by itself already (disk full, I/O error); the first error is the one to report.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
}

function says (error: unknown, text: string): boolean {
  return matchesError(error, ({ message }) => String(message).includes(text))
}
