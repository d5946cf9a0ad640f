import { MysqlAdapter, PostgresAdapter, SqliteAdapter, type DialectAdapter } from 'kysely'
import { UnsupportedDatabaseError } from '../../errors.js'
import type { Database } from './database.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

export type { Database } from './database.js'

/**
 * The database that a dialect of Kysely is for.
 *
 * @throws {UnsupportedDatabaseError} if it is none of those that are known here
 */
export function databaseOf (adapter: DialectAdapter): Database {
  if (adapter instanceof SqliteAdapter) return sqlite
  if (adapter instanceof PostgresAdapter) return postgres
  if (adapter instanceof MysqlAdapter) return mysql
  throw new UnsupportedDatabaseError(adapter.constructor.name)
}
