import { sql } from 'kysely'
import type { DialectTraits } from './dialect-traits.js'
import { matchesError } from './errors.js'
import { checkMysqlSettings } from './mysql-settings.js'

// How long a start waits for another one that is migrating, in seconds: less than the ten that Fastify gives a plugin.
const lockTimeout = 8

// What they can cast to, and announce to drivers as they do a column.
const casts = { key: 'signed', email: 'char', text: 'char(65535)', integer: 'signed', boolean: 'signed', json: 'char(65535)', hash: 'binary', time: 'datetime(3)' }

/** MySQL, MariaDB, and what speaks their language, through any driver whose errors have their numbers. */
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
  // Any other collation takes different texts for equal. Any other engine knows neither transactions nor foreign keys.
  tableOptions: sql`engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,

  writeBoolean: (value) => value,
  // A datetime has no time zone, so that drivers and servers guess one, unless it goes there and back as text.
  writeTime: (time) => time.slice(0, -1).replace('T', ' '),
  writeJson: (text) => text,
  selection: {
    // Drivers are told to make something else of a tinyint(1).
    boolean: (column) => sql`cast(${sql.ref(column)} as signed)`,
    json: (column) => sql`cast(${sql.ref(column)} as char)`,
    time: (column) => sql`cast(${sql.ref(column)} as char)`
  },
  readTime: (time) => `${(time as string).replace(' ', 'T')}Z`,

  cast: (type, value) => sql`cast(${value} as ${sql.raw(casts[type])})`,
  equals: {
    hash: (expression, bytes) => sql`hex(${expression}) = ${sql.lit(bytes.toString('hex'))}`,
    text: (expression, text) => sql`hex(convert(${expression} using utf8mb4)) = ${sql.lit(Buffer.from(text).toString('hex'))}`,
    json: (expression, json) => mysql.equals.text(expression, json)
  },

  contains: (text, part) => sql`instr(${text}, ${part}) > 0`,

  lookupValue: (value) => value,

  supportsReturning: false,
  onConflictDoNothing: false,
  // It would keep everybody else from inserting for as long as it waits for the user.
  supportsInsertFromSelect: false,
  supportsForUpdate: true,
  // Group Replication in multi-primary mode refuses writes to tables that cascade.
  supportsCascade: false,
  supportsTransactionalDdl: false,

  isUniqueViolation: (error) => hasNumber(error, 1062),
  // A row that would refer to nothing; one that is referred to. The first of each says less, to roles that may not read the other table.
  isForeignKeyViolation: (error) => hasNumber(error, 1216, 1452, 1217, 1451),
  // Deadlock; MariaDB's changed record, and counter that another transaction holds; TiDB's write conflicts.
  isRetryable: (error) => hasNumber(error, 1213, 1020, 1467, 8002, 9007),
  // A table; a foreign key, to MariaDB and to MySQL.
  isMissingTable: (error) => hasNumber(error, 1146, 1091, 3940),
  // A table, a column, an index.
  isAlreadyExists: (error) => hasNumber(error, 1050, 1060, 1061),

  checkSettings: checkMysqlSettings,
  withMigrationLock: (db, { migrations }, work) => db.connection().execute(async (connection) => {
    // Of the whole server, not only this database. It belongs to the connection: one that dies sets it free.
    const name = `fastify-vexa-admin.${migrations}`
    const { rows } = await sql<{ locked: unknown }>`select get_lock(${name}, ${lockTimeout}) as locked from dual`.execute(connection)
    if (Number(rows[0]?.locked) !== 1) throw new Error(`another process has been migrating the database for ${lockTimeout} s`)
    try {
      return await work(connection)
    } finally {
      // The connection may be what has failed.
      await sql`select release_lock(${name}) from dual`.execute(connection).catch(() => {})
    }
  })
}

function hasNumber (error: unknown, ...numbers: number[]): boolean {
  return matchesError(error, ({ errno }) => numbers.includes(errno as number))
}
