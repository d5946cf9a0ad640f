// node:sqlite of this Node.js. On Node.js 20, a stand-in over better-sqlite3 with the same calls, errors and limits.
import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Test } from 'tap'
import type * as api from '../../src/storage/sql/sqlite-storage.js'
import { root } from './child.js'

const header = readFileSync(`${root}node_modules/better-sqlite3/deps/sqlite3/sqlite3.h`, 'utf8')

/** The numbers of SQLite's result codes by name, as the header of SQLite defines them. */
export const resultCodes = new Map<string, number>()
const definitions = header.slice(header.indexOf('#define SQLITE_OK '), header.indexOf('#define SQLITE_OPEN_READONLY'))
for (const [, name = '', primary, base = '', detail] of definitions.matchAll(
  /^#define (\w+) +(?:(\d+)|\((\w+) *\| *\((\d+)<<8\)\))/gm
)) resultCodes.set(name, Number(primary ?? (resultCodes.get(base) as number) + Number(detail) * 256))

const unsafe = (value: bigint) => Object.assign(
  new RangeError(`Value is too large to be represented as a JavaScript number: ${value}`), { code: 'ERR_OUT_OF_RANGE' }
)

/** Runs a function. An error of better-sqlite3 becomes one of `node:sqlite`. */
function numbered<T> (run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { code, message } = error as { code: string, message: string }
    throw resultCodes.has(code)
      ? Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode: resultCodes.get(code) })
      : error
  }
}

class DatabaseSync {
  readonly #database: Database.Database

  constructor (path: string, { readOnly = false } = {}) {
    this.#database = numbered(() => new Database(path, { readonly: readOnly }))
  }

  get isTransaction () { return this.#database.inTransaction }

  exec (sql: string) { this.#database.exec(sql) }

  prepare (sql: string) { return new StatementSync(numbered(() => this.#database.prepare(sql))) }

  close () { this.#database.close() }
}

class StatementSync {
  readonly #statement: Database.Statement
  #bigInts = false

  constructor (statement: Database.Statement) {
    this.#statement = statement
    statement.safeIntegers()
  }

  columns () { return this.#statement.reader ? this.#statement.columns() : [] }

  setReturnArrays (isOn: boolean) { this.#statement.raw(isOn) }

  setReadBigInts (isOn: boolean) { this.#bigInts = isOn }

  get (...parameters: unknown[]) { return numbered(() => this.#convertRow(this.#statement.get(parameters))) }

  all (...parameters: unknown[]) {
    return numbered(() => this.#statement.all(parameters).map((row) => this.#convertRow(row)))
  }

  run (...parameters: unknown[]) {
    const { changes, lastInsertRowid } = numbered(() => this.#statement.run(parameters))
    return { changes: this.#convert(BigInt(changes)), lastInsertRowid: this.#convert(lastInsertRowid) }
  }

  #convertRow (row: unknown) {
    if (Array.isArray(row)) return row.map((value) => this.#convert(value))
    const entries = Object.entries(row as object).map(([name, value]) => [name, this.#convert(value)])
    return row && Object.assign(Object.create(null), Object.fromEntries(entries))
  }

  #convert (value: unknown) {
    if (value instanceof Buffer) return new Uint8Array(value)
    if (typeof value !== 'bigint' || this.#bigInts) return value
    if (!Number.isSafeInteger(Number(value))) throw unsafe(value)
    return Number(value)
  }
}

const builtin = process.getBuiltinModule('node:sqlite') as { DatabaseSync: typeof DatabaseSync } | undefined

/** The class of `node:sqlite`, or its stand-in. */
export const NodeDatabase = builtin?.DatabaseSync ?? DatabaseSync

/** Replaces `node:sqlite` until the end of the test. `undefined` means that there is no such module. */
export function replaceNodeSqlite (t: Test, module: object | undefined): void {
  const { getBuiltinModule } = process
  t.intercept(process, 'getBuiltinModule', {
    value: (id: string) => id === 'node:sqlite' ? module : getBuiltinModule(id)
  })
}

/** Imports `sqliteStorage` with another better-sqlite3. */
export async function withBetterSqlite (t: Test, Database: unknown): Promise<typeof api> {
  const [storage, loader] = ['sqlite-storage', 'drivers/open-sqlite']
    .map((name) => `../../src/storage/sql/${name}.js`) as [string, string]
  const mocks = { 'better-sqlite3': { default: Database } }
  // From Node.js 24, a mock reaches only the imports of one module.
  return t.mockImport(storage, { ...mocks, [loader]: await t.mockImport(loader, mocks) })
}
