import { hash } from 'node:crypto'
import Database from 'better-sqlite3'
import { PostgresDialect } from 'kysely'
import pg from 'pg'
import { KyselyStorage, migrateStorage, sqliteStorage } from '../../src/index.js'
import { createTokenValue } from '../../src/services/token-value.js'

/** A database file with so many users, each with three tokens; some of their values, from all over. */
export async function seed (filename: string, users: number): Promise<string[]> {
  await migrateStorage(sqliteStorage({ filename }))
  const db = new Database(filename)
  db.pragma('synchronous = off')
  // The index of the hashes is written all over.
  db.pragma('cache_size = -1048576')
  const createUser = db.prepare(
    'insert into vexa_users (email, name, searchable_name, max_concurrent_bots, created_at) values (?, ?, ?, 3, ?)'
  )
  const createToken = db.prepare('insert into vexa_tokens (user_id, hash, created_at) values (?, ?, ?)')
  const created = new Date().toISOString()
  const every = Math.ceil(users / 10_000)
  const values: string[] = []
  db.transaction(() => {
    for (let i = 0; i < users; i++) {
      const { lastInsertRowid } = createUser.run(
        `user${i}@example.com`,
        `User Number ${i}`,
        `user number ${i}`,
        created
      )
      for (let j = 0; j < 3; j++) {
        const value = createTokenValue('vex_')
        createToken.run(lastInsertRowid, hash('sha256', value, 'buffer'), created)
        if (i % every === 0) values.push(value)
      }
    }
  })()
  db.close()
  // Not in the order in which they lie in the file.
  return values.sort()
}

/** The same in PostgreSQL, in tables whose names begin with `bench_`. */
export async function seedPostgres (connectionString: string, users: number): Promise<string[]> {
  await dropPostgres(connectionString)
  await migrateStorage(
    new KyselyStorage({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString }) }),
      tablePrefix: 'bench_'
    })
  )
  const values = Array.from({ length: 3 * users }, () => createTokenValue('vex_'))
  await withPostgres(connectionString, async (client) => {
    await client.query(`insert into bench_users (email, name, searchable_name, max_concurrent_bots, created_at)
      select 'user' || i || '@example.com', 'User Number ' || i, 'user number ' || i, 3, now()
      from generate_series(1, $1) i`, [users])
    await client.query(`insert into bench_tokens (user_id, hash, created_at)
      select 1 + i % $2, hash, now() from unnest($1::bytea[]) with ordinality as t (hash, i)`, [
      values.map((value) => hash('sha256', value, 'buffer')),
      users
    ])
    await client.query('vacuum analyze bench_users, bench_tokens')
  })
  return values
}

/** Drops all tables whose names begin with `bench_`, also those that a killed run or an older version left. */
export async function dropPostgres (connectionString: string): Promise<void> {
  await withPostgres(connectionString, async (client) => {
    const { rows } = await client.query(String.raw`select string_agg(format('%I', tablename), ', ') as tables
      from pg_tables where schemaname = current_schema() and tablename like 'bench\_%'`)
    if (rows[0].tables !== null) await client.query(`drop table ${rows[0].tables}`)
  })
}

async function withPostgres (connectionString: string, work: (client: pg.Client) => Promise<unknown>) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
