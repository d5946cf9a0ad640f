import {
  SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler,
  type CompiledQuery, type Dialect, type Driver, type Kysely, type QueryResult
} from 'kysely'
import type { Awaitable } from '../../storage-adapter.js'
import { runForFirstRow, runForResult, SqliteDriver, type SqliteDriverConfig } from './sqlite-driver.js'

/** Kysely's SQLite dialect with a driver that never blocks the event loop on a lock. */
export class SqliteDialect implements Dialect {
  readonly #config: SqliteDriverConfig
  #driver: SqliteDriver | undefined

  constructor (config: SqliteDriverConfig) {
    this.#config = config
  }

  createDriver (): Driver {
    this.#driver = new SqliteDriver(this.#config)
    return this.#driver
  }

  /**
   * Runs a compiled query without Kysely's executor, outside of any transaction. The executor needs several promises to
   * find a connection, but here all connections share one database handle. If the result is available at once, returns
   * it without a promise. The database must be open.
   */
  execute<Row> ({ sql, parameters }: CompiledQuery<Row>): Awaitable<QueryResult<Row>> {
    return (this.#driver as SqliteDriver).run(sql, parameters, runForResult) as Awaitable<QueryResult<Row>>
  }

  /** Runs a query like `execute`, and returns its first row, or `undefined` if there is no row. */
  executeTakeFirst<Row> ({ sql, parameters }: CompiledQuery<Row>): Awaitable<Row | undefined> {
    return (this.#driver as SqliteDriver).run(sql, parameters, runForFirstRow) as Awaitable<Row | undefined>
  }

  /** Runs compiled queries like `execute`, in one transaction. Returns the result of the first. */
  executeTogether (queries: readonly CompiledQuery[]): Awaitable<QueryResult<unknown>> {
    return (this.#driver as SqliteDriver).runTogether(queries)
  }

  /** Returns the data version of the driver. The database must be open. */
  dataVersion (): number | undefined {
    return (this.#driver as SqliteDriver).dataVersion()
  }

  createAdapter () {
    // Otherwise Kysely 0.29 gives out one connection at a time, and a statement that waits blocks all other statements.
    return Object.defineProperty(new SqliteAdapter(), 'supportsMultipleConnections', { value: true })
  }

  createQueryCompiler () { return new SqliteQueryCompiler() }

  createIntrospector (db: Kysely<unknown>) { return new SqliteIntrospector(db) }
}
