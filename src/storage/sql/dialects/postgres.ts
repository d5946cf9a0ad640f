import {
  ExpressionWrapper, sql, type Expression, type Kysely, type RawBuilder, type SelectQueryNode, type TableNode
} from 'kysely'
import { toInteger } from '../integers.js'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkPostgresSettings, standbyCheck } from './postgres-settings.js'

const casts = {
  key: 'bigint',
  email: 'text',
  text: 'text',
  integer: 'integer',
  boolean: 'boolean',
  hash: 'bytea',
  time: 'timestamptz(3)'
}

/** The traits of PostgreSQL and databases with the same SQL, for each driver whose errors have PostgreSQL's codes. */
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
  // With another collation, the order of texts depends on the C library. If the library changes, for example by a move
  // to another server, the index is broken.
  emailTypeSince3: sql`text collate "C"`,
  autoIncrement: (column) => column.generatedByDefaultAsIdentity(),
  async insertKeys (trx, table, last, insert) {
    // While this transaction holds the lock, no other insert takes a key from the sequence. The lock does not block
    // reads.
    await sql`lock table ${nameOf(trx, table)} in share row exclusive mode`.execute(trx)
    await insert()
    const sequence = sql`cast(pg_get_serial_sequence(cast(cast(tableoid as regclass) as text), 'id') as regclass)`
    await trx.selectFrom(table).select(sql`setval(${sequence}, id)`.as('last'))
      .where('id', '=', last)
      .where(sql<boolean>`coalesce(pg_sequence_last_value(${sequence}), 0) < id`)
      .execute()
  },

  writeBoolean: (value) => value,
  writeTime: (time) => time,
  // If the parameter had the type `json`, some drivers, such as postgres.js, would encode the text as JSON again.
  writeJson: <T>(text: T) => sql<T>`cast(cast(${text} as text) as json)`,
  selection: {
    boolean: (column) => sql`cast(${sql.ref(column)} as integer)`,
    json: (column) => sql`cast(${sql.ref(column)} as text)`,
    // Selects milliseconds since 1970. The form of a time as text depends on `DateStyle`, and pg reads only one style.
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
    // Compares only the types of the JSON values. Some databases with PostgreSQL's SQL write JSON in a different form.
    json: (expression, json) =>
      sql`json_typeof(${expression}) = ${sql.lit(json.startsWith('[') ? 'array' : 'object')}`
  },

  contains: (text, part) => sql`strpos(${text}, ${part}) > 0`,
  isSameText: (text, other) => sql`${text} = ${other}`,
  // The character 128 is greater than each ASCII character.
  startsWith: (column, start) =>
    sql`(${column} >= ${start} and ${column} < cast(${start} as text) || chr(128))`,

  withoutIndex: (column) => column,

  lookupValue: (value) => value,

  now: sql`cast(extract(epoch from current_timestamp) * 1000 as bigint)`,

  supportsReturning: true,
  // Without this clause, a taken address would be an error, which leaves a dead row, and puts the address into the
  // server's log.
  onConflictDoNothing: true,
  supportsInsertFromSelect: true,
  keysAreConsecutive: false,
  supportsDataModifyingCte: true,
  supportsForUpdate: true,
  supportsPartialIndexes: true,
  indexesEndWithKey: false,
  hasStatistics: true,
  supportsStraightJoin: false,
  supportsCascade: true,
  supportsTransactionalDdl: true,
  // `start transaction` names the level, so the level costs no extra statement. At higher levels, a transaction that
  // has waited for the counter of entries fails.
  transactionLevel: () => 'read committed',

  isUniqueViolation: (error) => hasCode(error, '23505'),
  // 23001 is the code for `on delete restrict`.
  isForeignKeyViolation: (error) => hasCode(error, '23503', '23001'),
  // 40001: a serialization failure. 40P01: a deadlock.
  isRetryable: (error) => hasCode(error, '40001', '40P01'),
  isMissingTable: (error) => hasCode(error, '42P01'),
  // 42P07: an existing table. If two processes create a table at once, the error can also be 42710, about the type of
  // the table, or 23505, about an index of the catalogue.
  isAlreadyExists: (error) => hasCode(error, '42P07', '42710', '23505'),

  failover: {
    ...standbyCheck,
    endSession: sql`select pg_terminate_backend(pg_backend_pid())`,
    isReadOnlyError: (error) => hasCode(error, '25006')
  },
  checkSettings: checkPostgresSettings,
  // Locks a row, because some databases with PostgreSQL's SQL have no advisory locks.
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

/**
 * Returns the name of a table for raw SQL, with the schema of the app. Kysely adds the schema only to built queries.
 */
function nameOf (db: Kysely<any>, table: string): Expression<unknown> {
  const { from } = db.selectFrom(table).toOperationNode() as SelectQueryNode
  return new ExpressionWrapper(from?.froms[0] as TableNode)
}

function hasCode (error: unknown, ...codes: string[]): boolean {
  return matchesError(error, ({ code }) => codes.includes(code as string))
}
