import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MysqlDialect, PostgresDialect, type Dialect } from 'kysely'
import type * as mysql from 'mysql2'
import type * as pg from 'pg'
import { KyselyStorage, sqliteStorage, withPreparedStatements, type StorageAdapter } from '../index.js'
import { loadSqlite } from '../storage/sql/drivers/open-sqlite.js'
import { SqliteDialect } from '../storage/sql/drivers/sqlite-dialect.js'
import type { Cli } from './cli.js'
import { NotDoneError, UsageError } from './cli-errors.js'
import { readDatabaseUrl, type DatabaseUrl } from './database-url.js'
import { loadDriver } from './drivers.js'
import { ignore } from './ignore.js'
import type { databaseOptions, Values } from './options.js'

/** How a command uses its storage. */
export interface StorageUse {
  /**
   * Whether the command may be the first one on a database, or the first one after an upgrade. Such a command creates
   * the database file, and creates or upgrades the tables. Other commands do not change the tables.
   * @default false
   */
  migrate?: boolean
  /**
   * Whether the command runs for a long time. Only such a command may use a database in memory and prepared statements.
   */
  serve?: boolean
}

type DatabaseValues = Values<typeof databaseOptions>

/**
 * Creates the storage that the options name. The storage is not open yet.
 *
 * @throws {UsageError} if the options name no storage
 * @throws {NotDoneError} if a package or file is missing
 */
export async function createStorage (
  cli: Cli, values: DatabaseValues, { migrate = false, serve = false }: StorageUse
): Promise<StorageAdapter> {
  if (values.storage !== undefined) {
    if (values.database !== undefined || values['table-prefix'] !== undefined) {
      throw new UsageError('--storage names a storage by itself: leave out --database and --table-prefix')
    }
    return loadStorage(resolve(cli.process.cwd(), values.storage))
  }
  const database = databaseOf(cli, values)
  const options = { tablePrefix: values['table-prefix'], migrate }
  if (database.kind !== 'sqlite') return new KyselyStorage({ ...options, dialect: createDialect(cli, database, serve) })
  const { filename } = database
  if (filename === ':memory:' && !serve) {
    throw new UsageError('A database in memory ends with the command: name a file, sqlite:PATH')
  }
  if (!migrate) rejectMissing(filename)
  return sqliteStorage({ ...options, filename })
}

/** Returns the database that the options or the environment name. */
export function databaseOf ({ process: { cwd, env } }: Cli, { database }: DatabaseValues): DatabaseUrl {
  const named = readDatabaseUrl(database ?? (env.DATABASE_URL || 'sqlite:vexa-admin.db'))
  if (named.kind !== 'sqlite' || named.filename === ':memory:') return named
  return { kind: 'sqlite', filename: resolve(cwd(), named.filename) }
}

/**
 * Creates a dialect of Kysely for a database. A dialect for SQLite opens its file for reading only.
 *
 * @throws {NotDoneError} if the package of a server's driver, or the file of SQLite, is missing
 */
export function createDialect (cli: Cli, database: DatabaseUrl, serve = false): Dialect {
  if (database.kind !== 'sqlite') {
    const create = database.kind === 'postgres' ? createPostgresDialect : createMysqlDialect
    return create(database.url, cli.process.cwd(), serve)
  }
  const { filename } = database
  rejectMissing(filename)
  const open = async () => (await loadSqlite())(filename, { readonly: true })
  return new SqliteDialect({ open, pragmas: [], busyTimeout: 5000 })
}

function createPostgresDialect (connectionString: string, directory: string, serve: boolean): PostgresDialect {
  const { Client, Pool } = loadDriver<typeof pg>('pg', 'PostgreSQL', directory)
  const pool = new Pool({
    connectionString,
    // Only `serve` uses prepared statements. Other commands send most statements only once, and some poolers do not
    // support prepared statements.
    Client: serve ? withPreparedStatements(Client) : Client,
    connectionTimeoutMillis: 10_000
  })
  // Without these listeners, a broken connection would end the process. The query in progress reports the error.
  pool.on('error', ignore)
  pool.on('connect', (client) => { client.on('error', ignore) })
  return new PostgresDialect({ pool })
}

function createMysqlDialect (uri: string, directory: string): MysqlDialect {
  const { createPool } = loadDriver<typeof mysql>('mysql2', 'MySQL', directory)
  return new MysqlDialect({ pool: createPool({ uri, connectTimeout: 10_000 }) })
}

/** @throws {NotDoneError} if there is no such file */
function rejectMissing (filename: string): void {
  if (existsSync(filename)) return
  throw new NotDoneError(`There is no database at ${filename}: name it with --database, or create it with the ` +
    'command migrate')
}

/** Returns the default export of a module. If the default export is a function, returns the result of the function. */
async function loadStorage (file: string): Promise<StorageAdapter> {
  if (!existsSync(file)) throw new NotDoneError(`There is no file ${file}`)
  const { default: exported } = await import(pathToFileURL(file).href)
  const storage = typeof exported === 'function' ? await exported() : exported
  if (typeof storage?.open !== 'function') {
    throw new NotDoneError(`${file} must have a storage, or a function that returns one, as its default export`)
  }
  return storage
}
