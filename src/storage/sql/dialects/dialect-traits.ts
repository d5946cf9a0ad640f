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
  /** The type of the column of e-mail addresses from version 3 of the schema on. Absent if it stays the same. */
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
  /** Returns an expression that makes JSON of a text parameter. */
  writeJson<T> (text: T): T | RawBuilder<T>
  /** Selects a column in one form, as a number or text, whatever the settings of the driver and the server are. */
  readonly selection: Readonly<Record<'boolean' | 'json' | 'time', (column: string) => RawBuilder<unknown>>>
  /** Returns a selected time in RFC 3339. Throws if it is anything else. */
  readTime (time: unknown): string

  // Expressions

  /** Casts a value to the type that a column gives it, for a query without a table. */
  cast (type: ColumnType, value: unknown): RawBuilder<unknown>
  /** Compares the value that the server has with these bytes, text or JSON, as literals that no driver changes. */
  readonly equals: {
    hash (expression: Expression<unknown>, bytes: Buffer): RawBuilder<unknown>
    text (expression: Expression<unknown>, text: string): RawBuilder<unknown>
    json (expression: Expression<unknown>, json: string): RawBuilder<unknown>
  }
  /** Tests byte by byte whether text contains a part. LIKE has wildcards, and on some databases ignores case. */
  contains (text: Expression<unknown>, part: string): Expression<SqlBool>
  /** Returns the value that an indexed column is compared with, in a prepared statement. */
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
  /** Whether the foreign key deletes tokens with their user. Without it, a user with tokens cannot be deleted. */
  readonly supportsCascade: boolean
  /** Whether a transaction that fails undoes `create table` and other DDL. */
  readonly supportsTransactionalDdl: boolean

  // Errors

  /** Returns whether a unique column has the value already. Not every driver says which column. */
  isUniqueViolation (error: unknown): boolean
  /** Returns whether a row refers to a missing row, or a deleted row is referred to. The error does not say which. */
  isForeignKeyViolation (error: unknown): boolean
  /** Returns whether the database has undone the whole transaction because of another one, so a retry may succeed. */
  isRetryable (error: unknown): boolean
  /** Returns whether a table, or a foreign key to drop, does not exist. */
  isMissingTable (error: unknown): boolean
  /** Returns whether a table, column or index to create exists already. */
  isAlreadyExists (error: unknown): boolean

  // Server

  /**
   * Checks the settings of the server and the session.
   *
   * @throws {StorageOpenError} if answers can be old, rows hidden, acknowledged changes lost, or constraints off
   */
  checkSettings (db: Kysely<any>, names: TableNames): Promise<void>
  /** Runs `work` while no other process migrates: in a transaction if `supportsTransactionalDdl`, else under a lock. */
  withMigrationLock<T> (db: Kysely<Tables>, names: TableNames, work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
}
