import { setTimeout as sleep } from 'node:timers/promises'
import {
  SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler,
  type CompiledQuery, type DatabaseConnection, type Dialect, type Driver, type Kysely, type QueryResult
} from 'kysely'

/** The part of a better-sqlite3 database that the driver uses. */
export interface SqliteDatabase {
  readonly inTransaction: boolean
  prepare (sql: string): SqliteStatement
  close (): unknown
}

interface SqliteStatement {
  readonly reader: boolean
  columns (): ReadonlyArray<{ name: string }>
  raw (): unknown
  get (parameters: readonly unknown[]): unknown
  all (parameters: readonly unknown[]): unknown[]
  run (parameters: readonly unknown[]): { changes: number, lastInsertRowid: number | bigint }
}

export interface SqliteDialectConfig {
  /** Opens the database, with a `timeout` of 0: waiting for locks is up to the driver. */
  open: () => Promise<SqliteDatabase>
  /** Run on the new connection, one by one. */
  pragmas: readonly string[]
  /** How long a statement waits for another process to release its lock, in milliseconds, before it fails with `SQLITE_BUSY`. */
  busyTimeout: number
}

/**
 * Kysely's SQLite dialect with a driver that never blocks the event loop on a lock. SQLite's own way of waiting
 * (`timeout`) stops the whole process while another one writes; here a busy statement is tried again later.
 */
export class SqliteDialect implements Dialect {
  readonly #config: SqliteDialectConfig
  #driver: SqliteDriver | undefined

  constructor (config: SqliteDialectConfig) {
    this.#config = config
  }

  createDriver (): Driver {
    this.#driver = new SqliteDriver(this.#config)
    return this.#driver
  }

  /**
   * Runs a query that is compiled, outside of any transaction, past Kysely's executor: that passes it from promise to promise for the sake
   * of connections, of which there is one here. A result that is there at once is no promise. The database must be open.
   */
  execute<Row> ({ sql, parameters }: CompiledQuery<Row>): QueryResult<Row> | Promise<QueryResult<Row>> {
    const driver = this.#driver as SqliteDriver
    return (driver.executeNow(sql, parameters) ?? driver.execute(undefined, sql, parameters)) as QueryResult<Row> | Promise<QueryResult<Row>>
  }

  createAdapter () {
    // Kysely 0.29 would hand out one connection at a time, and a statement that waits would hold up all others.
    return Object.defineProperty(new SqliteAdapter(), 'supportsMultipleConnections', { value: true })
  }

  createQueryCompiler () { return new SqliteQueryCompiler() }

  createIntrospector (db: Kysely<unknown>) { return new SqliteIntrospector(db) }
}

interface KeptStatement {
  statement: SqliteStatement
  /** Makes a row of its values: half the time that it takes better-sqlite3 to make one. */
  toRow: RowMaker
  /** Whether to ask for one row, which is quicker than to ask for all. */
  single: boolean
}

/**
 * All connections share one database handle, and each statement runs synchronously on it, so there is nothing to
 * queue for, save while one of them is in a transaction: then the others wait for its end.
 */
class SqliteDriver implements Driver {
  readonly #config: SqliteDialectConfig
  readonly #statements = new Map<string, KeptStatement>()
  #database: SqliteDatabase | undefined
  #transaction: { readonly owner: DatabaseConnection | undefined, readonly ended: Promise<void>, readonly end: () => void } | undefined

  constructor (config: SqliteDialectConfig) {
    this.#config = config
  }

  async init (): Promise<void> {
    this.#database = await this.#config.open()
    const connection = await this.acquireConnection()
    try {
      for (const pragma of this.#config.pragmas) await this.execute(connection, `pragma ${pragma}`)
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async acquireConnection (): Promise<DatabaseConnection> {
    return new SqliteConnection(this)
  }

  async beginTransaction (connection: DatabaseConnection): Promise<void> {
    // A deferred transaction that begins as a reader cannot wait for the write lock: it fails.
    await this.execute(connection, 'begin immediate')
  }

  async commitTransaction (connection: DatabaseConnection): Promise<void> {
    await this.execute(connection, 'commit')
  }

  async rollbackTransaction (connection: DatabaseConnection): Promise<void> {
    // SQLite has rolled back by itself after some errors, such as a full disk.
    if (this.#transaction?.owner === connection) await this.execute(connection, 'rollback')
  }

  async releaseConnection (connection: DatabaseConnection): Promise<void> {
    await this.rollbackTransaction(connection)
  }

  async destroy (): Promise<void> {
    this.#statements.clear()
    this.#transaction?.end()
    this.#transaction = undefined
    this.#database?.close()
    this.#database = undefined
  }

  /** The result of a statement, if nobody is in its way. */
  executeNow (sql: string, parameters: readonly unknown[]): QueryResult<unknown> | undefined {
    if (this.#transaction !== undefined) return undefined
    try {
      return this.#run(undefined, sql, parameters)
    } catch (error) {
      if (isBusy(error)) return undefined
      throw error
    }
  }

  /** Runs a statement as soon as no other connection, of this process or another, is in its way. */
  async execute (connection: DatabaseConnection | undefined, sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<unknown>> {
    let deadline: number | undefined
    let pause = 1
    let busy: unknown
    do {
      while (this.#transaction !== undefined && this.#transaction.owner !== connection) await this.#transaction.ended
      try {
        return this.#run(connection, sql, parameters)
      } catch (error) {
        if (!isBusy(error)) throw error
        busy = error
      }
      deadline ??= performance.now() + this.#config.busyTimeout
      // Jitter keeps waiting processes from coming back all at once.
      await sleep(pause * (0.5 + Math.random()))
      pause = Math.min(pause * 2, 32)
    } while (performance.now() < deadline)
    throw busy
  }

  #run (connection: DatabaseConnection | undefined, sql: string, parameters: readonly unknown[]): QueryResult<unknown> {
    const { statement, toRow, single } = this.#prepare(sql)
    try {
      if (single) {
        const values = statement.get(parameters) as unknown[] | undefined
        return { rows: values === undefined ? [] : [toRow(values)] }
      }
      if (statement.reader) return { rows: (statement.all(parameters) as unknown[][]).map(toRow) }
      const { changes, lastInsertRowid } = statement.run(parameters)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } finally {
      this.#followTransaction(connection)
    }
  }

  #prepare (sql: string): KeptStatement {
    let kept = this.#statements.get(sql)
    if (kept === undefined) {
      if (this.#database === undefined) throw new Error('The database is closed')
      const statement = this.#database.prepare(sql)
      const columns = statement.reader ? statement.columns().map(({ name }) => name) : []
      kept = { statement, toRow: rowMaker(columns), single: statement.reader && sql.endsWith(' limit 1') }
      if (statement.reader) statement.raw()
      this.#statements.set(sql, kept)
    }
    return kept
  }

  // SQLite itself knows best whether a transaction has begun or ended, by whichever statement or error.
  #followTransaction (owner: DatabaseConnection | undefined): void {
    const inTransaction = this.#database?.inTransaction === true
    if (inTransaction && this.#transaction === undefined) {
      let end!: () => void
      const ended = new Promise<void>((resolve) => { end = resolve })
      this.#transaction = { owner, ended, end }
    } else if (!inTransaction) {
      this.#transaction?.end()
      this.#transaction = undefined
    }
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteDriver

  constructor (driver: SqliteDriver) {
    this.#driver = driver
  }

  async executeQuery<R> ({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return await this.#driver.execute(this, sql, parameters) as QueryResult<R>
  }

  streamQuery (): never {
    throw new Error('Streaming is not supported')
  }
}

type RowMaker = (values: unknown[]) => Record<string, unknown>

/** With the names written into its code, as validators and serializers are made, it takes a tenth of a loop's time. */
function rowMaker (columns: readonly string[]): RowMaker {
  const members = columns.map((column, i) => `${JSON.stringify(column)}: values[${i}]`)
  // eslint-disable-next-line no-new-func
  return new Function('values', `return { ${members.join(', ')} }`) as RowMaker
}

function isBusy (error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
}
