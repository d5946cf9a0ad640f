import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import type { Awaitable } from '../../storage-adapter.js'
import { createRowMaker, type RowMaker } from './sqlite-rows.js'

/**
 * Opens a database that fails at once if it is busy. `filename` is an absolute path, or `':memory:'`.
 *
 * @throws {Error} if the file cannot be opened
 */
export type OpenSqlite = (filename: string, options: {
  /** Whether the database can only be read. Then the file must exist. */
  readonly?: boolean
  /** Whether to throw if there is no file, instead of creating it. */
  fileMustExist?: boolean
}) => SqliteDatabase

/**
 * The part of a better-sqlite3 database that the driver uses. `node-sqlite.ts` has the same interface. The `code` of
 * each error of SQLite is the name of its extended result code.
 */
export interface SqliteDatabase {
  readonly inTransaction: boolean
  prepare (sql: string): SqliteStatement
  close (): unknown
}

export interface SqliteStatement {
  /** Whether the statement returns rows, so that `get` and `all` run it. Otherwise `run` does. */
  readonly reader: boolean
  columns (): ReadonlyArray<{ name: string }>
  /** Makes each row an array of values. */
  raw (): unknown
  get (parameters: readonly unknown[]): unknown
  all (parameters: readonly unknown[]): unknown[]
  run (parameters: readonly unknown[]): { changes: number | bigint, lastInsertRowid: number | bigint }
}

export interface SqliteDriverConfig {
  /** Opens the database with a busy timeout of 0, because the driver itself waits for locks. */
  open: () => Promise<SqliteDatabase>
  /** Pragmas that the driver runs on the new connection, in this order. */
  pragmas: readonly string[]
  /**
   * Milliseconds that a statement waits for the lock of another process before the statement fails with `SQLITE_BUSY`.
   */
  busyTimeout: number
}

interface PreparedStatement {
  readonly statement: SqliteStatement
  readonly toRow: RowMaker
}

/** Runs a prepared statement on the database. */
type Run<T> = (prepared: PreparedStatement, parameters: readonly unknown[]) => T

/** Runs a statement, and returns its result as Kysely expects. */
export const runForResult: Run<QueryResult<unknown>> = ({ statement, toRow }, parameters) => {
  if (statement.reader) return { rows: (statement.all(parameters) as unknown[][]).map(toRow) }
  const { changes, lastInsertRowid } = statement.run(parameters)
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
}

/** Runs a query, and returns its first row, or `undefined` if there is no row. */
export const runForFirstRow: Run<unknown> = ({ statement, toRow }, parameters) => {
  const values = statement.get(parameters) as unknown[] | undefined
  return values && toRow(values)
}

// Owns a transaction that `runTogether` could neither commit nor roll back. Every statement waits for its end, because
// a write within it would be reported as done and be lost.
const nobody = {}

/**
 * Runs statements without blocking the event loop on a lock. SQLite's own `timeout` stops the whole process while
 * another process writes. This driver tries a busy statement again later.
 *
 * All connections share one database handle. A statement runs synchronously, so a queue is not needed. Within this
 * process, a statement waits only while another connection is in a transaction.
 */
export class SqliteDriver implements Driver {
  readonly #config: SqliteDriverConfig
  /** Prepared statements by their SQL text. */
  readonly #prepared = new Map<string, PreparedStatement>()
  #database: SqliteDatabase | undefined
  #transaction:
    | { readonly owner: object, readonly ended: Promise<void>, readonly end: () => void }
    | undefined

  constructor (config: SqliteDriverConfig) {
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

  async beginTransaction (connection: DatabaseConnection, { accessMode }: TransactionSettings): Promise<void> {
    // A deferred transaction that begins as a reader cannot wait for the write lock: it fails.
    await this.execute(connection, accessMode === 'read only' ? 'begin' : 'begin immediate')
  }

  async commitTransaction (connection: DatabaseConnection): Promise<void> {
    await this.execute(connection, 'commit')
  }

  async rollbackTransaction (connection: DatabaseConnection): Promise<void> {
    // SQLite rolls back by itself after some errors, such as a full disk.
    if (this.#transaction?.owner === connection) await this.execute(connection, 'rollback')
  }

  async releaseConnection (connection: DatabaseConnection): Promise<void> {
    await this.rollbackTransaction(connection)
  }

  async destroy (): Promise<void> {
    this.#prepared.clear()
    this.#transaction?.end()
    this.#transaction = undefined
    this.#database?.close()
    this.#database = undefined
  }

  /** Runs a statement outside of any transaction. Returns a promise only if the statement must wait. */
  run<T> (sql: string, parameters: readonly unknown[], run: Run<T>): Awaitable<T> {
    if (this.#transaction === undefined) {
      try {
        return this.#runNow(undefined, sql, parameters, run)
      } catch (error) {
        if (!isBusy(error)) throw error
      }
    }
    return this.#runLater(undefined, sql, parameters, run)
  }

  /** Runs these statements in one transaction, without a pause in which others wait. Returns the first one's result. */
  runTogether (queries: readonly CompiledQuery[]): Awaitable<QueryResult<unknown>> {
    return this.run('begin immediate', [], (begin) => {
      try {
        begin.statement.run([])
        const [result] = queries.map(({ sql, parameters }) => runForResult(this.#prepare(sql), parameters))
        this.#prepare('commit').statement.run([])
        return result as QueryResult<unknown>
      } catch (error) {
        this.#rollBack()
        throw error
      }
    })
  }

  /**
   * Returns a number that changes with each commit of another connection, in this or another process. Returns
   * `undefined` if SQLite cannot tell now, or if a transaction is open: a query then waits for the end of it.
   */
  dataVersion (): number | undefined {
    if (this.#transaction !== undefined) return undefined
    try {
      const [version] = this.#prepare('pragma data_version').statement.get([]) as [number]
      return version
    } catch {
      return undefined
    }
  }

  /**
   * Rolls back. After a fault, tries again before it throws the fault, as Kysely does. If that fails, too, all
   * later statements wait.
   */
  #rollBack (): void {
    const isOpen = () => this.#database?.inTransaction === true
    const { statement } = this.#prepare('rollback')
    try {
      // SQLite rolls back by itself after some errors, such as a full disk.
      if (isOpen()) statement.run([])
    } catch (fault) {
      if (isOpen()) statement.run([])
      throw fault
    }
  }

  /** Runs a statement of a connection as soon as no other connection, of this or another process, blocks it. */
  execute (
    connection: DatabaseConnection, sql: string, parameters: readonly unknown[] = []
  ): Promise<QueryResult<unknown>> {
    return this.#runLater(connection, sql, parameters, runForResult)
  }

  async #runLater<T> (
    connection: DatabaseConnection | undefined, sql: string, parameters: readonly unknown[], run: Run<T>
  ): Promise<T> {
    let deadline: number | undefined
    let pause = 1
    let busy: unknown
    do {
      while (this.#transaction !== undefined && this.#transaction.owner !== connection) await this.#transaction.ended
      try {
        return this.#runNow(connection, sql, parameters, run)
      } catch (error) {
        if (!isBusy(error)) throw error
        busy = error
      }
      deadline ??= performance.now() + this.#config.busyTimeout
      // A random pause keeps waiting processes from trying again all at once.
      await sleep(pause * (0.5 + Math.random()))
      pause = Math.min(pause * 2, 32)
    } while (performance.now() < deadline)
    throw busy
  }

  #runNow<T> (
    connection: DatabaseConnection | undefined, sql: string, parameters: readonly unknown[], run: Run<T>
  ): T {
    const prepared = this.#prepare(sql)
    try {
      return run(prepared, parameters)
    } finally {
      this.#followTransaction(connection)
    }
  }

  #prepare (sql: string): PreparedStatement {
    let prepared = this.#prepared.get(sql)
    if (prepared === undefined) {
      if (this.#database === undefined) throw new Error('The database is closed')
      const statement = this.#database.prepare(sql)
      const columns = statement.reader ? statement.columns().map(({ name }) => name) : []
      if (statement.reader) statement.raw()
      prepared = { statement, toRow: createRowMaker(columns) }
      this.#prepared.set(sql, prepared)
    }
    return prepared
  }

  /**
   * Notes whether a transaction has begun or ended. SQLite itself reports this, so the cause (a statement or an error)
   * does not matter.
   */
  #followTransaction (owner: DatabaseConnection | undefined): void {
    const inTransaction = this.#database?.inTransaction === true
    if (inTransaction && this.#transaction === undefined) {
      let end!: () => void
      const ended = new Promise<void>((resolve) => { end = resolve })
      this.#transaction = { owner: owner ?? nobody, ended, end }
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

function isBusy (error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
}
