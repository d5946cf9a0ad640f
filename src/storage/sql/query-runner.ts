import type { CompiledQuery, InsertQueryBuilder, InsertResult, IsolationLevel, Kysely, QueryResult } from 'kysely'
import type { Awaitable } from '../storage-adapter.js'
import { CompiledQueries, type ValueOf, type Values } from './compiled-queries.js'
import type { DialectTraits } from './dialects/index.js'
import type { SqliteDialect } from './drivers/sqlite-dialect.js'
import { readKey } from './keys.js'
import { retryConflicts } from './retry-conflicts.js'
import { createRows, type Rows } from './rows.js'
import type { TableNames, Tables } from './tables.js'

/** Makes an insert from values in the form that the database accepts. */
export type Build<V extends Values> = (written: V) => InsertQueryBuilder<Tables, any, InsertResult>

/** Runs the queries of a storage. The queries of users and the queries of tokens share one QueryRunner. */
export class QueryRunner {
  readonly db: Kysely<Tables>
  readonly traits: DialectTraits
  readonly names: TableNames
  readonly rows: Rows
  readonly queries = new CompiledQueries()
  /** The dialect of `db` if it is this package's SqliteDialect, which can bypass Kysely's executor. */
  readonly sqlite: SqliteDialect | undefined

  constructor (db: Kysely<Tables>, traits: DialectTraits, names: TableNames, sqlite: SqliteDialect | undefined) {
    this.db = db
    this.traits = traits
    this.names = names
    this.rows = createRows(traits)
    this.sqlite = sqlite
  }

  /** Runs a query in `db`. Without `db`, repeats it like `retried`, because a serializable read can also conflict. */
  execute<Row> (query: CompiledQuery<Row>, db?: Kysely<Tables>): Awaitable<QueryResult<Row>> {
    return this.#sqliteFor(db)?.execute(query) ?? this.#execute(query, db)
  }

  /** Runs a query like `execute`, and returns its first row, or `undefined` if there is no row. */
  executeTakeFirst<Row> (query: CompiledQuery<Row>, db?: Kysely<Tables>): Awaitable<Row | undefined> {
    const sqlite = this.#sqliteFor(db)
    if (sqlite !== undefined) return sqlite.executeTakeFirst(query)
    return this.#execute(query, db).then(({ rows: [row] }) => row)
  }

  #execute<Row> (query: CompiledQuery<Row>, db?: Kysely<Tables>): Promise<QueryResult<Row>> {
    return db === undefined ? this.retried((db) => db.executeQuery(query)) : db.executeQuery(query)
  }

  /**
   * Returns `sqlite` outside of a transaction. Each token check runs here. SQLite has one connection, so Kysely need
   * not provide one.
   */
  #sqliteFor (db = this.db): SqliteDialect | undefined {
    return db === this.db ? this.sqlite : undefined
  }

  /**
   * Runs an insert that is compiled once, and returns the new row's key. Returns `undefined` if no row was inserted.
   *
   * @param build makes the insert from `values` in the form that the database accepts
   */
  async insert<V extends Values> (
    name: string, values: V, build: Build<V>, db?: Kysely<Tables>
  ): Promise<string | undefined> {
    return insertedKey(await this.execute(this.insertQuery(name, values, build), db))
  }

  /** Returns the query of `insert`. */
  insertQuery<V extends Values> (name: string, values: V, build: Build<V>): CompiledQuery<unknown> {
    return this.queries.get<V, unknown>(name, values, (value) => {
      const insert = build(this.written(values, value))
      // The driver of this package returns the key without `returning`, which would cost a fifth of the insert.
      return this.traits.supportsReturning && this.sqlite === undefined ? insert.returning('id') : insert
    })
  }

  /** Returns the placeholders of these values in the form that the database accepts. */
  written<V extends Values> (values: V, value: ValueOf<V>): V {
    const columns = Object.keys(values).map((column) => {
      const placeholder = value(column)
      return [column, isJson(column) ? this.traits.writeJson(placeholder) : placeholder]
    })
    return Object.fromEntries(columns)
  }

  /**
   * Runs a write that is one statement, and repeats it if the database undoes it because of another transaction. The
   * repetition is a transaction if the isolation level of the session may be the cause.
   */
  retried<T> (write: (db: Kysely<Tables>) => Awaitable<T>): Promise<T> {
    return retryConflicts(this.traits, (conflict) => {
      const level = conflict === undefined ? undefined : this.traits.transactionLevel(conflict)
      return level === undefined ? write(this.db) : this.#begin(level, async (trx) => await write(trx))
    })
  }

  /** Runs `work` in a transaction, and repeats it if the database undoes it because of another transaction. */
  transaction<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return retryConflicts(this.traits, (conflict) => this.#begin(this.traits.transactionLevel(conflict), work))
  }

  #begin<T> (level: IsolationLevel | undefined, work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    const builder = this.db.transaction()
    return (level === undefined ? builder : builder.setIsolationLevel(level)).execute(work)
  }
}

/** Returns the key of the row that `insertQuery` has inserted. Returns `undefined` if no row was inserted. */
export function insertedKey ({ rows: [row], insertId, numAffectedRows }: QueryResult<any>): string | undefined {
  if (row !== undefined) return readKey(row.id)
  return insertId === undefined || numAffectedRows === 0n ? undefined : readKey(insertId)
}

function isJson (column: string): boolean {
  return column === 'data' || column === 'scopes'
}
