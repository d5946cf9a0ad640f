import { sql, type RawBuilder } from 'kysely'
import { toInteger } from '../integers.js'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkPostgresSettings } from './postgres-settings.js'

const casts = {
  key: 'bigint',
  email: 'text',
  text: 'text',
  integer: 'integer',
  boolean: 'boolean',
  hash: 'bytea',
  time: 'timestamptz(3)'
}

/** The traits of PostgreSQL and databases with its SQL, with any driver whose errors have PostgreSQL's codes. */
export const postgres: DialectTraits = {
  types: {
    key: 'bigint',
    email: 'text',
    text: 'text',
    integer: 'integer',
    boolean: 'boolean',
    // jsonb changes the order of members, and writes 1e308 with 309 digits.
    json: 'json',
    hash: 'bytea',
    time: sql`timestamptz(3)`
  },
  // With any other collation, the index breaks when the C library changes, for example by a move to another server.
  emailTypeSince3: sql`text collate "C"`,
  autoIncrement: (column) => column.generatedByDefaultAsIdentity(),

  writeBoolean: (value) => value,
  writeTime: (time) => time,
  // Some drivers, such as postgres.js, would encode the text as JSON again if the parameter had the type JSON.
  writeJson: <T>(text: T) => sql<T>`cast(cast(${text} as text) as json)`,
  selection: {
    boolean: (column) => sql`cast(${sql.ref(column)} as integer)`,
    json: (column) => sql`cast(${sql.ref(column)} as text)`,
    // The result is in milliseconds since 1970, because text depends on `DateStyle`, and pg reads only one style.
    time: (column) => sql`cast(extract(epoch from ${sql.ref(column)}) * 1000 as bigint)`
  },
  readTime: (time) => new Date(toInteger(time)).toISOString(),

  cast: (type, value) => type === 'json'
    ? postgres.writeJson(value) as RawBuilder<unknown>
    : sql`cast(${value} as ${sql.raw(casts[type])})`,
  equals: {
    hash: (expression, bytes) => sql`encode(${expression}, 'hex') = ${sql.lit(bytes.toString('hex'))}`,
    text: (expression, text) =>
      sql`encode(convert_to(${expression}, 'UTF8'), 'hex') = ${sql.lit(Buffer.from(text).toString('hex'))}`,
    // This compares only the type, because some databases with PostgreSQL's SQL write JSON in another form.
    json: (expression, json) =>
      sql`json_typeof(${expression}) = ${sql.lit(json.startsWith('[') ? 'array' : 'object')}`
  },

  contains: (text, part) => sql`strpos(${text}, ${part}) > 0`,

  lookupValue: (value) => value,

  supportsReturning: true,
  // An error would leave a dead row, and the address in the server's log.
  onConflictDoNothing: true,
  supportsInsertFromSelect: true,
  supportsForUpdate: true,
  supportsCascade: true,
  supportsTransactionalDdl: true,

  isUniqueViolation: (error) => hasCode(error, '23505'),
  // 23001 is the code for `on delete restrict`.
  isForeignKeyViolation: (error) => hasCode(error, '23503', '23001'),
  // 40001: a serialization failure. 40P01: a deadlock.
  isRetryable: (error) => hasCode(error, '40001', '40P01'),
  isMissingTable: (error) => hasCode(error, '42P01'),
  // Two processes that create a table at once can also collide at its type, or in a unique index of the catalogue.
  isAlreadyExists: (error) => hasCode(error, '42P07', '42710', '23505'),

  checkSettings: checkPostgresSettings,
  // The lock is on a row, because some databases with PostgreSQL's SQL do not have advisory locks.
  withMigrationLock: (db, { migrations }, work) =>
    db.transaction().setIsolationLevel('read committed').execute(async (trx) => {
      await trx.insertInto(migrations)
        .values({ version: 0, applied_at: new Date().toISOString() })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      await trx.selectFrom(migrations).select('version').where('version', '=', 0).forUpdate().execute()
      return work(trx)
    })
}

function hasCode (error: unknown, ...codes: string[]): boolean {
  return matchesError(error, ({ code }) => codes.includes(code as string))
}
