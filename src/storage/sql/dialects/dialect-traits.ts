import type { ColumnDataType, ColumnDefinitionBuilder, Expression, Kysely, RawBuilder, SqlBool } from 'kysely'
import type { TableNames, Tables } from '../tables.js'

type Type = ColumnDataType | RawBuilder<unknown>

/** A kind of value that the tables have. */
export type ColumnType = 'key' | 'email' | 'text' | 'integer' | 'boolean' | 'json' | 'hash' | 'time'

/** What differs from one database to another: all of it, and nothing else. */
export interface DialectTraits {
  /** Column types. Text compares byte by byte; a time has milliseconds. */
  readonly types: Readonly<Record<ColumnType, Type>>
  /** The type that the column of e-mail addresses has from version 3 of the schema on, where it is another. */
  readonly emailTypeSince3?: Type
  /** What makes a key count up, and never be given out twice. */
  autoIncrement (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
  /** What stands behind the columns of a new table. */
  readonly tableOptions?: RawBuilder<unknown>

  /** How a boolean is written. */
  writeBoolean (value: boolean): boolean | number
  /** How a time in RFC 3339 is written. */
  writeTime (time: string): string
  /** How JSON is written, from a parameter that is text. */
  writeJson<T> (text: T): T | RawBuilder<T>
  /** Selects what drivers and servers give back as their settings say, so that it comes as numbers and text of one form. */
  readonly select: Readonly<Record<'boolean' | 'json' | 'time', (column: string) => RawBuilder<unknown>>>
  /** RFC 3339 from what is selected as a time. Throws if it is anything else. */
  readTime (time: unknown): string

  /** A value as a column of this type holds it, in a query without a table. */
  held (type: ColumnType, value: unknown): RawBuilder<unknown>
  /** Whether the server has exactly these bytes, this text or this JSON, written so that no driver changes it. */
  readonly same: {
    hash (held: Expression<unknown>, bytes: Buffer): RawBuilder<unknown>
    text (held: Expression<unknown>, text: string): RawBuilder<unknown>
    json (held: Expression<unknown>, json: string): RawBuilder<unknown>
  }

  /** Whether text contains this, byte by byte: not LIKE, which knows wildcards, and here and there ignores case. */
  contains (text: Expression<unknown>, part: string): Expression<SqlBool>

  /** A value of a prepared query that an indexed column is to equal. */
  operand<T> (value: T): T | RawBuilder<T>

  /** Whether `insert` and `update` can return what they have written. */
  readonly supportsReturning: boolean
  /** Whether to insert with `on conflict do nothing`, instead of having an error. */
  readonly onConflictDoNothing: boolean
  /** Whether an insert may select what it inserts. Without, it leaves it to a foreign key to see whether there is a user. */
  readonly supportsInsertFromSelect: boolean
  /** Whether `select … for update` locks rows. Without, a write does. */
  readonly supportsForUpdate: boolean
  /** Whether the foreign key of tokens deletes them with their user. Without, it keeps a user who has one. */
  readonly supportsCascade: boolean

  /** Whether a row was refused because a unique column has the value already. It does not say which column: not every driver knows. */
  isUniqueViolation (error: unknown): boolean
  /** Whether a change was refused because a row would refer to one that is not there. It does not say by which of the two. */
  isForeignKeyViolation (error: unknown): boolean
  /** Whether the database has undone everything for the sake of another transaction, so that it is worth to try again. */
  isRetryable (error: unknown): boolean
  /** Whether a table, or a foreign key that is to be dropped, is not there. */
  isMissingTable (error: unknown): boolean
  /** Whether a table, column or index was to be made that is there already. */
  isAlreadyExists (error: unknown): boolean
  /** Whether a transaction that fails undoes `create table` and the like. */
  readonly supportsTransactionalDdl: boolean

  /**
   * Checks what the server and the session can be set to.
   *
   * @throws {StorageOpenError} if answers could be old, rows hidden, what is acknowledged lost, or a constraint not enforced
   */
  checkSettings (db: Kysely<any>, names: TableNames): Promise<void>
  /** Runs `work` while no other process runs its own: in a transaction if `supportsTransactionalDdl`, else under a lock. */
  withMigrationLock<T> (db: Kysely<Tables>, names: TableNames, work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
}
