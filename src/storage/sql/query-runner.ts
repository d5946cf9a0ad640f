import type { CompiledQuery, InsertQueryBuilder, InsertResult, Kysely, QueryResult } from 'kysely'
import type { Awaitable } from '../storage-adapter.js'
import { CompiledQueries, type Values } from './compiled-queries.js'
import type { DialectTraits } from './dialects/index.js'
import type { SqliteDialect } from './drivers/sqlite-dialect.js'
import { retryConflicts } from './retry-conflicts.js'
import { createRows, readKey, type Rows } from './rows.js'
import type { TableNames, Tables } from './tables.js'

/** Runs the queries of a storage. The queries of users and the queries of tokens share it. */
export class QueryRunner {
  readonly db: Kysely<Tables>
  readonly traits: DialectTraits
  readonly names: TableNames
  readonly rows: Rows
  readonly queries = new CompiledQueries()
  readonly #sqlite: SqliteDialect | undefined

  /** @param sqlite the dialect of `db` if it is this package's SqliteDialect, which can bypass Kysely's executor */
  constructor (db: Kysely<Tables>, traits: DialectTraits, names: TableNames, sqlite: SqliteDialect | undefined) {
    this.db = db
    this.traits = traits
    this.names = names
    this.rows = createRows(traits)
    this.#sqlite = sqlite
  }

  /** Runs a query, in a transaction if one is given. */
  execute<Row> (query: CompiledQuery<Row>, db = this.db): Awaitable<QueryResult<Row>> {
    // Each token check runs here. SQLite has one connection, so Kysely need not provide one outside of a transaction.
    return this.#sqlite !== undefined && db === this.db ? this.#sqlite.execute(query) : db.executeQuery(query)
  }

  /** Runs a query like `execute`, and returns its first row, or `undefined` if there is no row. */
  executeTakeFirst<Row> (query: CompiledQuery<Row>, db = this.db): Awaitable<Row | undefined> {
    if (this.#sqlite !== undefined && db === this.db) return this.#sqlite.executeTakeFirst(query)
    return db.executeQuery(query).then(({ rows: [row] }) => row)
  }

  /**
   * Runs an insert that is compiled once, and returns the new row's key. Returns `undefined` if no row was inserted.
   *
   * @param build makes the insert from `values` in the form that the database accepts
   */
  async insert<V extends Values> (
    name: string,
    values: V,
    build: (written: V) => InsertQueryBuilder<Tables, any, InsertResult>,
    db?: Kysely<Tables>
  ): Promise<string | undefined> {
    const query = this.queries.get<V, unknown>(name, values, (value) => {
      const written = (column: string) => isJson(column) ? this.traits.writeJson(value(column)) : value(column)
      const insert = build(Object.fromEntries(Object.keys(values).map((column) => [column, written(column)])) as V)
      // The driver of this package returns the key without `returning`, which would cost a fifth of the insert.
      return this.traits.supportsReturning && this.#sqlite === undefined ? insert.returning('id') : insert
    })
    const { rows: [row], insertId, numAffectedRows } = await this.execute<any>(query, db)
    if (row !== undefined) return readKey(row.id)
    return insertId === undefined || numAffectedRows === 0n ? undefined : readKey(insertId)
  }

  /** Runs a write, and repeats it if the database undoes it because of another transaction. */
  retried<T> (write: () => Awaitable<T>): Promise<T> {
    return retryConflicts(this.traits, write)
  }

  /** Runs `work` in a transaction, and repeats it if the database undoes it because of another transaction. */
  transaction<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.retried(() => this.db.transaction().execute(work))
  }
}

function isJson (column: string): boolean {
  return column === 'data' || column === 'scopes'
}
