import type {
  ColumnDataType, ColumnDefinitionBuilder, Expression, IsolationLevel, Kysely, RawBuilder, SqlBool
} from 'kysely'
import type { TableNames, Tables } from '../tables.js'

type Type = ColumnDataType | RawBuilder<unknown>

/** The kinds of values in the tables. */
export type ColumnType = 'key' | 'email' | 'text' | 'integer' | 'boolean' | 'json' | 'hash' | 'time'

/** How connections to a server that has become read-only are found and ended. */
export interface FailoverTraits {
  /** Reads whether the server is a replica, or read-only in a way that makes its data old. */
  readonly checkQuery: RawBuilder<object>
  /** Returns why the server must not answer, or `undefined` if it may. `rows` are those of `checkQuery`. */
  faultOf (rows: readonly object[]): string | undefined
  /** Number of milliseconds for which a check holds. */
  readonly checkLasts: number
  /** Ends the session that runs this statement. */
  readonly endSession: RawBuilder<unknown>
  /** Returns whether the server has rejected a write because the server or the session is read-only. */
  isReadOnlyError (error: unknown): boolean
}

/**
 * The differences between SQLite, PostgreSQL and MySQL. The rest of the storage does not know which of these databases
 * it has. The rest uses SQL that all three accept, such as `limit` and `length`. It uses `returning` only if
 * `supportsReturning` is true.
 */
export interface DialectTraits {
  // Schema

  /** The type of each kind of column. Text compares byte by byte. A time has milliseconds. */
  readonly types: Readonly<Record<ColumnType, Type>>
  /** The type of the e-mail column since version 3 of the schema. Absent if that version does not change the type. */
  readonly emailTypeSince3?: Type
  /** Makes the database generate keys that it never uses again. */
  autoIncrement (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
  /**
   * Runs `insert`, which inserts rows with given keys into a table. The largest of these keys is `last`. Afterwards,
   * makes the database generate keys that are larger than `last`. Absent if the database does this without help.
   */
  insertKeys? (trx: Kysely<any>, table: string, last: number, insert: () => Promise<void>): Promise<void>
  /** The options at the end of `create table`. */
  readonly tableOptions?: RawBuilder<unknown>

  // Values

  /** Returns a boolean as a parameter. */
  writeBoolean (value: boolean): boolean | number
  /** Returns an RFC 3339 time as a parameter. */
  writeTime (time: string): string
  /** Returns an expression that converts a text parameter to JSON. */
  writeJson<T> (text: T): T | RawBuilder<T>
  /** Selects a column as a number or text, in a form that settings of the driver and the server do not change. */
  readonly selection: Readonly<Record<'boolean' | 'json' | 'time', (column: string) => RawBuilder<unknown>>>
  /** Returns a selected time in RFC 3339. May throw if the value is not a time. */
  readTime (time: unknown): string

  // Expressions

  /** Casts a value to the type of a column. A query without a table needs the cast. */
  cast (type: ColumnType, value: unknown): RawBuilder<unknown>
  /** Compares a value on the server with bytes, text or JSON. Writes these as literals, which drivers do not change. */
  readonly equals: {
    hash (expression: Expression<unknown>, bytes: Buffer): RawBuilder<unknown>
    text (expression: Expression<unknown>, text: string): RawBuilder<unknown>
    json (expression: Expression<unknown>, json: string): RawBuilder<unknown>
  }
  /**
   * Returns an expression that tests whether text contains a substring, byte by byte. The expression must not use LIKE,
   * which has wildcards and ignores case on some databases.
   */
  contains (text: Expression<unknown>, part: string): Expression<SqlBool>
  /**
   * Returns an expression that tests whether two texts have the same bytes. On MySQL, `=` ignores spaces at the end.
   */
  isSameText (text: Expression<unknown>, other: string): Expression<SqlBool>
  /**
   * Returns an expression that tests whether a column of ASCII begins with a text. A range of an index can serve it.
   */
  startsWith (column: Expression<unknown>, start: string): Expression<SqlBool>
  /**
   * Returns a column in a form for which SQLite uses no index. Returns the column itself for other databases, because
   * they choose an index by their statistics.
   */
  withoutIndex (column: Expression<unknown>): Expression<unknown>
  /** Returns the form in which a prepared statement compares a value with an indexed column. */
  lookupValue<T> (value: T): T | RawBuilder<T>

  /**
   * The time of the database's clock, in milliseconds since 1970. For SQLite, this is the clock of the app's process.
   */
  readonly now: RawBuilder<unknown>

  // Features

  /** Whether `insert` and `update` have a `returning` clause. */
  readonly supportsReturning: boolean
  /** Whether an insert uses `on conflict do nothing`. If not, a conflict is an error. */
  readonly onConflictDoNothing: boolean
  /** Whether the insert of a token selects its user. If not, the foreign key detects a missing user. */
  readonly supportsInsertFromSelect: boolean
  /** Whether generated keys have no gaps, and the order of commits. If not, a counter gives entries their keys. */
  readonly keysAreConsecutive: boolean
  /** Whether a `with` clause can insert and update, so that a change and its entry are one statement. */
  readonly supportsDataModifyingCte: boolean
  /** Whether `select … for update` locks rows. If not, the storage locks a row by an update. */
  readonly supportsForUpdate: boolean
  /** Whether an index can leave out rows by a `where` clause. */
  readonly supportsPartialIndexes: boolean
  /**
   * Whether each index ends with the key of the row. Such an index returns rows of equal values in order of their keys.
   */
  readonly indexesEndWithKey: boolean
  /** Whether the database knows roughly how many rows have a value, and uses this number to choose an index. */
  readonly hasStatistics: boolean
  /** Whether `select straight_join` reads the tables of a join in their order in the query. */
  readonly supportsStraightJoin: boolean
  /** Whether the foreign key deletes tokens with their user. If not, only a user without tokens can be deleted. */
  readonly supportsCascade: boolean
  /** Whether a transaction that fails undoes `create table` and other DDL. */
  readonly supportsTransactionalDdl: boolean

  /**
   * Returns the isolation level for a transaction, or `undefined` for the level of the session. At some levels, the
   * database undoes all concurrent changes but one, because each of them updates the counter of entries.
   *
   * @param conflict the error that undid the previous attempt. Absent for the first attempt
   */
  transactionLevel (conflict?: unknown): IsolationLevel | undefined

  // Errors

  /** Returns whether an error says that a unique column already has the value. Some drivers do not name the column. */
  isUniqueViolation (error: unknown): boolean
  /**
   * Returns whether an error says that a row refers to a missing row, or that other rows refer to a row to delete. Some
   * databases have one code for both.
   */
  isForeignKeyViolation (error: unknown): boolean
  /** Returns whether the database undid the transaction because of another transaction, so a retry may succeed. */
  isRetryable (error: unknown): boolean
  /** Returns whether an error says that a table, or a foreign key to drop, does not exist. */
  isMissingTable (error: unknown): boolean
  /** Returns whether an error says that a table, column or index to create already exists. */
  isAlreadyExists (error: unknown): boolean

  // Server

  /** Absent for a database without servers. */
  readonly failover?: FailoverTraits
  /**
   * Checks the settings of the server and the session.
   *
   * @throws {StorageOpenError} if a setting can do harm: see `Setting`
   */
  checkSettings (db: Kysely<any>, names: TableNames): Promise<void>
  /**
   * Runs `work` while no other process migrates: in a transaction if `supportsTransactionalDdl`, otherwise under a
   * lock.
   */
  withMigrationLock<T> (db: Kysely<Tables>, names: TableNames, work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
}
