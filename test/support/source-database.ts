// Databases of other systems, each with its own tables `users`, `user` and so on.
import { randomBytes } from 'node:crypto'
import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, sql, SqliteDialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import type { Test } from 'tap'
import { dialectFor, mysqlUrl, postgresUrl, type DatabaseName } from './databases.js'

/** Creates an empty database, schema or file, and deletes it after the test. The zone of its sessions is not UTC. */
export async function sourceDatabase (t: Test, database: DatabaseName): Promise<Kysely<any>> {
  if (database === 'sqlite') {
    const db = new Kysely<any>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    t.teardown(() => db.destroy())
    return db
  }
  const name = `test_${randomBytes(6).toString('hex')}`
  const server = new Kysely<any>({ dialect: dialectFor(database) })
  const kind = database === 'postgres' ? 'schema' : 'database'
  await sql.raw(`create ${kind} ${name}`).execute(server)
  const db = new Kysely<any>({ dialect: database === 'postgres' ? inSchema(name) : inDatabase(name) })
  t.teardown(async () => {
    await db.destroy()
    await sql.raw(`drop ${kind} ${name}${database === 'postgres' ? ' cascade' : ''}`).execute(server)
    await server.destroy()
  })
  return db
}

function inSchema (name: string): PostgresDialect {
  const options = `-c search_path=${name} -c timezone=Asia/Tokyo`
  const pool = new pg.Pool({ connectionString: postgresUrl, application_name: name, options })
  pool.on('error', () => {})
  pool.on('connect', (client) => { client.on('error', () => {}) })
  return new PostgresDialect({ pool })
}

// The pool has one connection, so a test can set the zone of its session.
function inDatabase (name: string): MysqlDialect {
  const url = new URL(mysqlUrl)
  url.pathname = name
  return new MysqlDialect({ pool: mysql.createPool({ uri: url.href, connectionLimit: 1 }) })
}

/** Runs statements, which have no semicolons in them. */
export async function runStatements (db: Kysely<any>, statements: string): Promise<void> {
  for (const statement of statements.split(/;\s*$/m)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db)
  }
}
