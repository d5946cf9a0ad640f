// The places where the tests keep their data. A place is text that one process can pass to another:
// `sqlite:` and a file, or `postgres:` or `mysql:` and a table prefix.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, sql, SqliteDialect, type Dialect } from 'kysely'
import type { Test } from 'tap'
import { KyselyStorage } from '../../src/storage/sql/kysely-storage.js'
import { sqliteStorage } from '../../src/storage/sql/sqlite-storage.js'
import { quickDirectory } from './quick-directory.js'

export const postgresUrl = process.env.POSTGRES_URL || 'postgres://postgres@127.0.0.1:5432/postgres'
export const mysqlUrl = process.env.MYSQL_URL || 'mysql://root@127.0.0.1:3306/test'

export type DatabaseName = 'sqlite' | 'postgres' | 'mysql'

/** The database of the tests that need none in particular. */
export const chosen = (process.env.TEST_DATABASE || 'sqlite') as DatabaseName

/** The databases of this run: the one in TEST_DATABASE, and without it all. */
export const databaseNames: DatabaseName[] = process.env.TEST_DATABASE ? [chosen] : ['sqlite', 'postgres', 'mysql']

/** The databases of tests that take long. `npm run test:postgres` and `npm run test:mysql` run these on the servers. */
export const longTestDatabases: DatabaseName[] = [chosen]

const servers = {
  postgres: { product: 'PostgreSQL', url: postgresUrl, variable: 'POSTGRES_URL' },
  mysql: { product: 'MySQL or MariaDB', url: mysqlUrl, variable: 'MYSQL_URL' }
}

/** The maximum number of connections of a dialect. */
export const poolSize = 5

/** Creates a dialect for a server, with a pool of its own. */
export function dialectFor (database: 'postgres' | 'mysql', url = servers[database].url): Dialect {
  // Most tests need neither driver.
  const createPool = {
    mysql: async () => (await import('mysql2')).default.createPool({ uri: url, connectionLimit: poolSize }),
    postgres: async () => {
      const pool = new (await import('pg')).default.Pool({ connectionString: url, max: poolSize })
      // Without listeners, a broken connection ends the process. The pool emits errors of idle clients only.
      pool.on('error', () => {})
      pool.on('connect', (client) => { client.on('error', () => {}) })
      return pool
    }
  }
  return database === 'mysql'
    ? new MysqlDialect({ pool: createPool.mysql })
    : new PostgresDialect({ pool: createPool.postgres })
}

/** Returns `false` if a database belongs to this run, else the reason for skipping its tests. */
export function excluded (database: DatabaseName): string | false {
  return databaseNames.includes(database) ? false : `TEST_DATABASE is ${chosen}`
}

/**
 * Returns `false` if a database belongs to this run and answers, else the reason for skipping its tests.
 *
 * @throws {Error} with `CI=true` if it does not answer
 */
export async function unavailable (database: DatabaseName): Promise<string | false> {
  if (database === 'sqlite' || excluded(database)) return excluded(database)
  const db = new Kysely<object>({ dialect: dialectFor(database) })
  try {
    await sql`select 1`.execute(db)
    return false
  } catch (error) {
    const { product, url, variable } = servers[database]
    const reason = `no ${product} answers at ${new URL(url).host} (${(error as Error).message}): set ${variable}`
    if (process.env.CI === 'true') throw new Error(reason)
    return reason
  } finally {
    await db.destroy()
  }
}

/** Returns an empty place, and empties it after the test. */
export function emptyPlace (t: Test, database: DatabaseName = chosen): string {
  const name = `test_${randomBytes(6).toString('hex')}_`
  if (database === 'sqlite') {
    const directory = mkdtempSync(join(quickDirectory, name))
    t.teardown(() => rmSync(directory, { recursive: true }))
    return `sqlite:${join(directory, 'admin.db')}`
  }
  const place = `${database}:${name}`
  t.teardown(async () => {
    const db = new Kysely<object>({ dialect: dialectAt(place) })
    for (const table of ['tokens', 'users', 'audit', 'audit_last', 'migrations']) {
      await db.schema.dropTable(name + table).ifExists().execute()
    }
    await db.destroy()
  })
  return place
}

function parse (place: string): [database: DatabaseName, where: string] {
  return place.split(/:(.*)/s) as [DatabaseName, string]
}

/** Returns the prefix of our tables at a place. */
export function tablePrefixAt (place: string): string {
  const [database, where] = parse(place)
  return database === 'sqlite' ? 'vexa_' : where
}

/** Creates a dialect for the database at a place. */
export function dialectAt (place: string): Dialect {
  const [database, where] = parse(place)
  return database === 'sqlite' ? new SqliteDialect({ database: new Database(where) }) : dialectFor(database)
}

/** Creates a storage at a place, as any process may do. */
export function storageAt (place: string, options: { migrate?: boolean } = {}): KyselyStorage {
  const [database, where] = parse(place)
  if (database === 'sqlite') return sqliteStorage({ filename: where, ...options })
  return new KyselyStorage({ dialect: dialectFor(database), tablePrefix: where, ...options })
}

/** Creates an empty storage that the test does not share. */
export function emptyStorage (t: Test): KyselyStorage {
  return storageAt(chosen === 'sqlite' ? 'sqlite::memory:' : emptyPlace(t))
}

/** Returns direct access to the database at a place, and the prefix of its tables. Closes it after the test. */
export function backDoor (t: Test, place: string): { db: Kysely<any>, prefix: string } {
  const db = new Kysely<any>({ dialect: dialectAt(place) })
  t.teardown(() => db.destroy())
  return { db, prefix: tablePrefixAt(place) }
}

/**
 * Returns the columns of our tables at a place, as `table.column`. Kysely's introspection would read every table,
 * and fail when another test drops one.
 */
export async function columnsAt (t: Test, place: string): Promise<string[]> {
  const { db, prefix } = backDoor(t, place)
  const { rows } = place.startsWith('sqlite:')
    ? await sql<{ name: string }>`select t.name || '.' || c.name as name
      from sqlite_schema t, pragma_table_info(t.name) c where t.name like ${prefix + '%'}`.execute(db)
    : await sql<{ name: string }>`select concat(table_name, '.', column_name) as name
      from information_schema.columns where table_name like ${prefix + '%'}`.execute(db)
  return rows.map(({ name }) => name.slice(prefix.length)).sort()
}

/** Locks a token. Returns a function that releases it. */
export async function lockToken (t: Test, place: string, id: string): Promise<() => Promise<void>> {
  const { db, prefix } = backDoor(t, place)
  let release!: () => void
  const released = new Promise<void>((resolve) => { release = resolve })
  let done!: Promise<void>
  await new Promise<void>((resolve, reject) => {
    done = db.transaction().execute(async (trx) => {
      await trx.updateTable(`${prefix}tokens`).set({ name: 'locked' })
        .where('id', '=', Number(id.replace('token-', ''))).execute()
      resolve()
      await released
    })
    done.catch(reject)
  })
  return () => {
    release()
    return done
  }
}
