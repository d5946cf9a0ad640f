import { sql } from 'kysely'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkMysqlSettings, replicaCheck } from './mysql-settings.js'

// Seconds that a start waits while another start migrates. Fastify gives a plugin ten seconds to start.
const lockTimeout = 8

// MariaDB's number for a record that has changed since the transaction began.
const changedRecord = 1020

// For each type of column: a type that `cast` accepts, and whose values drivers read like the values of the column.
const casts = {
  key: 'signed',
  email: 'char',
  text: 'char(65535)',
  integer: 'signed',
  boolean: 'signed',
  json: 'char(65535)',
  hash: 'binary',
  time: 'datetime(3)'
}

/** The traits of MySQL, MariaDB and databases with the same SQL, for each driver whose errors have MySQL's numbers. */
export const mysql: DialectTraits = {
  types: {
    key: 'bigint',
    email: 'varchar(254)',
    text: 'text',
    integer: 'integer',
    boolean: 'boolean',
    json: 'json',
    hash: sql`binary(32)`,
    time: 'datetime(3)'
  },
  autoIncrement: (column) => column.autoIncrement(),
  // Other collations treat different texts as equal. Other engines have no transactions and no foreign keys.
  tableOptions: sql`engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,

  writeBoolean: (value) => value,
  // A datetime has no time zone. A driver or a server would assume one, unless the value is text.
  writeTime: (time) => time.slice(0, -1).replace('T', ' '),
  writeJson: (text) => text,
  selection: {
    // Without the cast, a driver that the app has configured to convert tinyint(1) would change the value.
    boolean: (column) => sql`cast(${sql.ref(column)} as signed)`,
    json: (column) => sql`cast(${sql.ref(column)} as char)`,
    time: (column) => sql`cast(${sql.ref(column)} as char)`
  },
  readTime: (time) => `${(time as string).replace(' ', 'T')}Z`,

  cast: (type, value) => sql`cast(${value} as ${sql.raw(casts[type])})`,
  equals: {
    hash: (expression, bytes) => sql`hex(${expression}) = ${sql.lit(bytes.toString('hex'))}`,
    text: (expression, text) =>
      sql`hex(convert(${expression} using utf8mb4)) = ${sql.lit(Buffer.from(text).toString('hex'))}`,
    json: (expression, json) => mysql.equals.text(expression, json)
  },

  contains: (text, part) => sql`instr(${text}, ${part}) > 0`,
  isSameText: (text, other) => sql`cast(${text} as binary) = cast(${other} as binary)`,
  // A range of values would ignore spaces at the end. The escape character is `!`, because `sql_mode` can disable the
  // backslash.
  startsWith: (column, start) =>
    sql`${column} like concat(replace(replace(replace(${start}, '!', '!!'), '%', '!%'), '_', '!_'), '%') escape '!'`,

  withoutIndex: (column) => column,

  lookupValue: (value) => value,

  // `unix_timestamp` would depend on the time zone of the session, and would be wrong by an hour when summer time ends.
  now: sql`timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000`,

  supportsReturning: false,
  onConflictDoNothing: false,
  // An insert that selects its user would block all other inserts while it waits for the lock on the user's row.
  supportsInsertFromSelect: false,
  keysAreConsecutive: false,
  supportsDataModifyingCte: false,
  supportsForUpdate: true,
  supportsPartialIndexes: false,
  // InnoDB adds the key of the row to each index.
  indexesEndWithKey: true,
  hasStatistics: true,
  supportsStraightJoin: true,
  // Group Replication in multi-primary mode rejects writes to tables that cascade.
  supportsCascade: false,
  supportsTransactionalDdl: false,
  // To set the level takes an extra statement, so only a repetition after a conflict sets the level. At higher levels
  // with `innodb_snapshot_isolation`, MariaDB undoes a transaction that writes a row which has changed since the
  // transaction began.
  transactionLevel: (conflict) => hasNumber(conflict, changedRecord) ? 'read committed' : undefined,

  isUniqueViolation: (error) => hasNumber(error, 1062),
  // 1216, 1452: the row refers to a missing row. 1217, 1451: another row refers to the row. Accounts that may not read
  // the other table get 1216 or 1217.
  isForeignKeyViolation: (error) => hasNumber(error, 1216, 1452, 1217, 1451),
  // 1213: a deadlock. 1020 (MariaDB): a changed record. 1467 (MariaDB): a locked counter of keys. 8002 and 9007 (TiDB):
  // conflicts of writes.
  isRetryable: (error) => hasNumber(error, 1213, changedRecord, 1467, 8002, 9007),
  // 1146: a missing table. 1091: a missing foreign key in MariaDB. 3940: a missing foreign key in MySQL.
  isMissingTable: (error) => hasNumber(error, 1146, 1091, 3940),
  // 1050: an existing table. 1060: an existing column. 1061: an existing index.
  isAlreadyExists: (error) => hasNumber(error, 1050, 1060, 1061),

  failover: {
    ...replicaCheck,
    endSession: sql`kill connection_id()`,
    // 1290: an option such as read_only. 1792: a read-only transaction. 1836: a read-only server. 3100: a member of a
    // group that must not write.
    isReadOnlyError: (error) => hasNumber(error, 1290, 1792, 1836, 3100)
  },
  checkSettings: checkMysqlSettings,
  withMigrationLock: (db, { migrations }, work) => db.connection().execute(async (connection) => {
    // The lock covers the whole server, and ends with its connection.
    const name = `fastify-vexa-admin.${migrations}`
    const { rows } = await sql<{ locked: unknown }>`select get_lock(${name}, ${lockTimeout}) as locked from dual`
      .execute(connection)
    if (Number(rows[0]?.locked) !== 1) {
      throw new Error(`another process has been migrating the database for ${lockTimeout} s`)
    }
    try {
      return await work(connection)
    } finally {
      // If the release fails because the connection is broken, the server has already released the lock.
      await sql`select release_lock(${name}) from dual`.execute(connection).catch(() => {})
    }
  })
}

function hasNumber (error: unknown, ...numbers: number[]): boolean {
  return matchesError(error, ({ errno }) => numbers.includes(errno as number))
}
