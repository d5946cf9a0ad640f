import { existsSync } from 'node:fs'
import { nameOfCode } from './sqlite-codes.js'
import type { OpenSqlite, SqliteDatabase, SqliteStatement } from './sqlite-driver.js'

/** The part of `node:sqlite` that this file uses. The types of Node.js 20 do not have the module. */
interface NodeSqlite {
  DatabaseSync: new (path: string, options?: { readOnly: boolean }) => NodeDatabase
}

interface NodeDatabase {
  readonly isTransaction: boolean
  exec (sql: string): void
  prepare (sql: string): NodeStatement
  close (): void
}

interface NodeStatement {
  columns (): ReadonlyArray<{ name: string }>
  setReturnArrays (isOn: boolean): void
  setReadBigInts (isOn: boolean): void
  get (...parameters: readonly unknown[]): unknown
  all (...parameters: readonly unknown[]): unknown[]
  run (...parameters: readonly unknown[]): ReturnType<SqliteStatement['run']>
}

/**
 * Returns a function that opens databases with the `node:sqlite` of this runtime. Returns `undefined` if there is no
 * such module, or only that of Node.js 22.13 to 22.15, which cannot tell whether a transaction is open.
 */
export function loadNodeSqlite (): OpenSqlite | undefined {
  const module = process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined
  if (module === undefined) return undefined
  const { DatabaseSync } = module
  const sample = new DatabaseSync(':memory:')
  const isComplete = typeof sample.isTransaction === 'boolean'
  sample.close()
  if (!isComplete) return undefined
  return (filename, { readonly = false, fileMustExist = false }) => {
    // node:sqlite creates a missing file. A URL could prevent this, but Deno rejects it without access to all files.
    if (fileMustExist && filename !== ':memory:' && !existsSync(filename)) throw new Error('there is no such file')
    return named(() => new NodeSqliteDatabase(new DatabaseSync(filename, { readOnly: readonly })))
  }
}

/** A database of `node:sqlite` with the interface of better-sqlite3. */
class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: NodeDatabase

  constructor (database: NodeDatabase) {
    this.#database = database
    // Deno waits for 5 s otherwise, whatever its option `timeout` says.
    database.exec('pragma busy_timeout = 0')
  }

  get inTransaction (): boolean { return this.#database.isTransaction }

  prepare (sql: string): SqliteStatement {
    return new NodeSqliteStatement(named(() => this.#database.prepare(sql)))
  }

  close (): void { this.#database.close() }
}

class NodeSqliteStatement implements SqliteStatement {
  readonly #statement: NodeStatement
  readonly reader: boolean

  constructor (statement: NodeStatement) {
    this.#statement = statement
    this.reader = statement.columns().length > 0
    // Node.js 26 otherwise throws after it has inserted a row whose key is above 2^53.
    if (!this.reader) statement.setReadBigInts(true)
  }

  columns () { return this.#statement.columns() }

  raw (): void { this.#statement.setReturnArrays(true) }

  get (parameters: readonly unknown[]) { return named(() => this.#statement.get(...parameters)) }

  all (parameters: readonly unknown[]) { return named(() => this.#statement.all(...parameters)) }

  run (parameters: readonly unknown[]) { return named(() => this.#statement.run(...parameters)) }
}

/** Runs a function. Its errors get the codes of better-sqlite3, such as `SQLITE_BUSY`. */
function named<T> (run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { errcode } = error as { errcode?: unknown }
    throw typeof errcode === 'number' ? Object.assign(error as Error, { code: nameOfCode(errcode) }) : error
  }
}
