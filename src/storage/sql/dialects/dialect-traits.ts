import type { ColumnDataType, ColumnDefinitionBuilder, Expression, Kysely, RawBuilder, SqlBool } from 'kysely'
import type { TableNames, Tables } from '../tables.js'

type Type = ColumnDataType | RawBuilder<unknown>

/** The kinds of values in the tables. */
export type ColumnType = 'key' | 'email' | 'text' | 'integer' | 'boolean' | 'json' | 'hash' | 'time'

/** All differences between the databases. The rest of the storage does not know which database it has. */
export interface DialectTraits {
  // Schema

  /** The type of each kind of column. Text compares byte by byte. A time has milliseconds. */
  readonly types: Readonly<Record<ColumnType, Type>>
  /** The type of the e-mail column since version 3 of the schema. Absent if that version does not change the type. */
  readonly emailTypeSince3?: Type
  /** Makes the database generate keys that it never uses again. */
  autoIncrement (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
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
   * Returns an expression that tests whether text contains a substring, byte by byte. It must not use LIKE, which has
   * wildcards and ignores case on some databases.
   */
  contains (text: Expression<unknown>, part: string): Expression<SqlBool>
  /** Returns the form in which a prepared statement compares a value with an indexed column. */
  lookupValue<T> (value: T): T | RawBuilder<T>

  // Features

  /** Whether `insert` and `update` have a `returning` clause. */
  readonly supportsReturning: boolean
  /** Whether an insert uses `on conflict do nothing`. Without it, a conflict is an error. */
  readonly onConflictDoNothing: boolean
  /** Whether the insert of a token selects its user. Without it, the foreign key detects a missing user. */
  readonly supportsInsertFromSelect: boolean
  /** Whether `select … for update` locks rows. Without it, the storage locks a row by an update. */
  readonly supportsForUpdate: boolean
  /** Whether the foreign key deletes tokens with their user. Without it, only a user without tokens can be deleted. */
  readonly supportsCascade: boolean
  /** Whether a transaction that fails undoes `create table` and other DDL. */
  readonly supportsTransactionalDdl: boolean

  // Errors

  /** Returns whether a unique column already has the value. Some drivers do not say which column. */
  isUniqueViolation (error: unknown): boolean
  /** Returns whether a row refers to a missing row, or other rows refer to a row to delete. Errors do not say which. */
  isForeignKeyViolation (error: unknown): boolean
  /** Returns whether the database has undone the whole transaction because of another one, so a retry may succeed. */
  isRetryable (error: unknown): boolean
  /** Returns whether a table, or a foreign key to drop, does not exist. */
  isMissingTable (error: unknown): boolean
  /** Returns whether a table, column or index to create already exists. */
  isAlreadyExists (error: unknown): boolean

  // Server

  /**
   * Checks the settings of the server and the session.
   *
   * @throws {StorageOpenError} if a setting can do harm, as `Setting` describes
   */
  checkSettings (db: Kysely<any>, names: TableNames): Promise<void>
  /** Runs `work` while no other process migrates: in a transaction if `supportsTransactionalDdl`, else under a lock. */
  withMigrationLock<T> (db: Kysely<Tables>, names: TableNames, work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
}
