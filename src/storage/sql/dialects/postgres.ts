import { sql, type RawBuilder } from 'kysely'
import { toInteger } from '../integers.js'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkPostgresSettings } from './postgres-settings.js'

const casts = { key: 'bigint', email: 'text', text: 'text', integer: 'integer', boolean: 'boolean', hash: 'bytea', time: 'timestamptz(3)' }

/** PostgreSQL, and what speaks its language, through any driver whose errors have its codes. */
export const postgres: DialectTraits = {
  types: {
    key: 'bigint',
    email: 'text',
    text: 'text',
    integer: 'integer',
    boolean: 'boolean',
    // Not jsonb, which changes the order of members and writes numbers out: 1e308 has 309 digits.
    json: 'json',
    hash: 'bytea',
    time: sql`timestamptz(3)`
  },
  // In any other order than that of bytes, an index is wrong once the server's C library, or the one it is restored on, has another version.
  emailTypeSince3: sql`text collate "C"`,
  autoIncrement: (column) => column.generatedByDefaultAsIdentity(),

  writeBoolean: (value) => value,
  writeTime: (time) => time,
  // Drivers that know a parameter to be JSON, such as postgres.js, make JSON of the text.
  writeJson: <T>(text: T) => sql<T>`cast(cast(${text} as text) as json)`,
  selection: {
    boolean: (column) => sql`cast(${sql.ref(column)} as integer)`,
    json: (column) => sql`cast(${sql.ref(column)} as text)`,
    // Milliseconds since 1970: as text, it would look as `DateStyle` has it, and pg reads one style only.
    time: (column) => sql`cast(extract(epoch from ${sql.ref(column)}) * 1000 as bigint)`
  },
  readTime: (time) => new Date(toInteger(time)).toISOString(),

  cast: (type, value) => type === 'json' ? postgres.writeJson(value) as RawBuilder<unknown> : sql`cast(${value} as ${sql.raw(casts[type])})`,
  equals: {
    hash: (expression, bytes) => sql`encode(${expression}, 'hex') = ${sql.lit(bytes.toString('hex'))}`,
    text: (expression, text) => sql`encode(convert_to(${expression}, 'UTF8'), 'hex') = ${sql.lit(Buffer.from(text).toString('hex'))}`,
    // Not its text: some that speak PostgreSQL's language write it in another form.
    json: (expression, json) => sql`json_typeof(${expression}) = ${sql.lit(json.startsWith('[') ? 'array' : 'object')}`
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
  // The second is that of `on delete restrict`.
  isForeignKeyViolation: (error) => hasCode(error, '23503', '23001'),
  // Serialization failure, deadlock.
  isRetryable: (error) => hasCode(error, '40001', '40P01'),
  isMissingTable: (error) => hasCode(error, '42P01'),
  // Two that create a table at once can also meet at its type, or in the catalogue's own unique index.
  isAlreadyExists: (error) => hasCode(error, '42P07', '42710', '23505'),

  checkSettings: checkPostgresSettings,
  // A locked row, because not every database that speaks PostgreSQL's language has advisory locks.
  withMigrationLock: (db, { migrations }, work) => db.transaction().setIsolationLevel('read committed').execute(async (trx) => {
    await trx.insertInto(migrations).values({ version: 0, applied_at: new Date().toISOString() }).onConflict((conflict) => conflict.doNothing()).execute()
    await trx.selectFrom(migrations).select('version').where('version', '=', 0).forUpdate().execute()
    return work(trx)
  })
}

function hasCode (error: unknown, ...codes: string[]): boolean {
  return matchesError(error, ({ code }) => codes.includes(code as string))
}
