import { sql } from 'kysely'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkSqliteSettings } from './sqlite-settings.js'

/** The traits of SQLite, with any driver. */
export const sqlite: DialectTraits = {
  types: {
    key: 'integer',
    email: 'text',
    text: 'text',
    integer: 'integer',
    boolean: 'integer',
    json: 'text',
    hash: 'blob',
    time: 'text'
  },
  // Without AUTOINCREMENT, SQLite can reuse the key of a deleted row.
  autoIncrement: (column) => column.autoIncrement(),

  // better-sqlite3 cannot bind booleans, so they are written as 0 and 1.
  writeBoolean: Number,
  writeTime: (time) => time,
  writeJson: (text) => text,
  selection: { boolean: sql.ref, json: sql.ref, time: sql.ref },
  readTime: (time) => time as string,

  // The cast does the same as an integer column, which converts numbers to integers. Columns of text and bytes keep a
  // value as it is.
  cast: (type, value) => sqlite.types[type] === 'integer' ? sql`cast(${value} as integer)` : sql`${value}`,
  equals: {
    hash: (expression, bytes) => sql`${expression} = ${sql.raw(`x'${bytes.toString('hex')}'`)}`,
    // This does not use hex(…), because its result depends on the encoding of the database.
    text: (expression, text) => sql`${expression} = ${sql.lit(text)}`,
    json: (expression, json) => sqlite.equals.text(expression, json)
  },

  contains: (text, part) => sql`instr(${text}, ${part}) > 0`,
  isSameText: (text, other) => sql`${text} = ${other}`,
  // The character 128 is greater than each ASCII character.
  startsWith: (column, start) => sql`(${column} >= ${start} and ${column} < ${start} || char(128))`,

  withoutIndex: (column) => sql`+${column}`,

  // If the database has statistics, SQLite plans a prepared statement again for each value that is compared with a
  // column. For an expression such as `+?`, SQLite keeps its plan.
  lookupValue: <T>(value: T) => sql<T>`+${value}`,

  now: sql`cast((julianday('now') - 2440587.5) * 86400000 as integer)`,

  supportsReturning: true,
  // With `on conflict do nothing`, a conflict would use up a key and cause a durable write. The error of a plain insert
  // does neither.
  onConflictDoNothing: false,
  supportsInsertFromSelect: true,
  // SQLite has one writer at a time, and a rollback also undoes the generation of a key.
  keysAreConsecutive: true,
  supportsDataModifyingCte: false,
  // SQLite has no `for update`. The storage updates the row before it reads the row, because a transaction that has
  // read cannot wait for the write lock.
  supportsForUpdate: false,
  supportsPartialIndexes: true,
  indexesEndWithKey: true,
  // SQLite has statistics only after `analyze`.
  hasStatistics: false,
  supportsStraightJoin: false,
  supportsCascade: true,
  supportsTransactionalDdl: true,
  transactionLevel: () => undefined,

  // The codes of errors differ between drivers, but all drivers pass on SQLite's message.
  isUniqueViolation: (error) => says(error, 'UNIQUE constraint failed'),
  isForeignKeyViolation: (error) => says(error, 'FOREIGN KEY constraint failed'),
  // SQLite never undoes a transaction because of another one, because it has one writer at a time.
  isRetryable: () => false,
  isMissingTable: (error) => says(error, 'no such table'),
  isAlreadyExists: (error) => says(error, 'already exists'),

  checkSettings: checkSqliteSettings,
  withMigrationLock: (db, _names, work) => db.connection().execute(async (connection) => {
    // A deferred transaction would start as a reader and then fail to become a writer.
    await sql`begin immediate`.execute(connection)
    try {
      const result = await work(connection)
      await sql`commit`.execute(connection)
      return result
    } catch (error) {
      // If the disk is full, SQLite may already have rolled back, and `rollback` fails. The caller needs the first
      // error.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
}

function says (error: unknown, text: string): boolean {
  return matchesError(error, ({ message }) => String(message).includes(text))
}
