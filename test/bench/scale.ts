// Measures what a number of tokens costs on SQLite and PostgreSQL: npm run scale -- 1000000 10000000
// Each user has ten tokens, of which one has a name. Prints a column of the table in README.md for each number.
import { hash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { KyselyStorage, migrateStorage, sqliteStorage, withPreparedStatements } from '../../src/index.js'
import { createEarlierSchema } from '../support/earlier-schema.js'

const url = process.env.POSTGRES_URL || 'postgres://postgres@127.0.0.1:5432/postgres'
const prefix = 'scale_'
/** The version of the schema before tokens got more columns. */
const earlier = 3
/** Tokens whose hashes are known. They lie all over the table. */
const known = 20_000
const hashOf = (n: number) => hash('sha256', `token ${n}`, 'buffer')

interface Engine {
  open: () => KyselyStorage
  /** Creates the tables of the earlier schema, with so many tokens. */
  seed: (tokens: number) => Promise<void>
  /** Bytes of the users and the tokens, with their indexes. */
  size: () => Promise<number>
  remove: () => Promise<void>
}

function sqlite (): Engine {
  const directory = mkdtempSync(join(tmpdir(), 'scale-'))
  const filename = join(directory, 'scale.db')
  return {
    open: () => sqliteStorage({ filename, tablePrefix: prefix }),
    async seed (tokens) {
      const database = new Database(filename)
      const db = new Kysely<any>({ dialect: new SqliteDialect({ database }) })
      for (const pragma of ['journal_mode = wal', 'synchronous = off', 'cache_size = -2097152']) database.pragma(pragma)
      await createEarlierSchema(db, prefix, earlier)
      database.function('hash_of', (n) => hashOf(Number(n)))
      database.prepare(`insert into ${prefix}users (email, name, searchable_name, max_concurrent_bots, created_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
        select 'user' || i || '@example.com', 'User ' || i, 'user ' || i, 3, '2024-01-01T12:00:00.000Z' from n`)
        .run(tokens / 10)
      database.prepare(`insert into ${prefix}tokens (user_id, hash, name, created_at)
        with recursive n (i) as (select 0 union all select i + 1 from n where i < ? - 1)
        select 1 + i / 10, case when i % ? = 0 then hash_of(i / ?) else randomblob(32) end,
          case when i % 10 = 0 then 'Token ' || i end, '2024-01-01T12:00:00.000Z' from n`)
        .run(tokens, tokens / known, tokens / known)
      await db.destroy()
    },
    size: async () => statSync(filename).size,
    remove: async () => rmSync(directory, { recursive: true })
  }
}

function postgres (): Engine {
  const pool = (options: pg.PoolConfig = {}) => new pg.Pool({ connectionString: url, ...options })
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool: pool() }) })
  const run = (text: string, ...values: unknown[]) => withClient((client) => client.query(text, values))
  const drop = () => run(`drop table if exists ${['audit_last', 'audit', 'tokens', 'users', 'migrations']
    .map((name) => prefix + name).join()}`)
  return {
    open: () => new KyselyStorage({
      dialect: new PostgresDialect({ pool: pool({ Client: withPreparedStatements(pg.Client) }) }), tablePrefix: prefix
    }),
    async seed (tokens) {
      await drop()
      await createEarlierSchema(db, prefix, earlier)
      await run(`insert into ${prefix}users (email, name, searchable_name, max_concurrent_bots, created_at)
        select 'user' || i || '@example.com', 'User ' || i, 'user ' || i, 3, now()
        from generate_series(1, $1::int) i`, tokens / 10)
      await run(`insert into ${prefix}tokens (user_id, hash, name, created_at)
        select 1 + i / 10, case when i % $2::int = 0 then sha256(convert_to('token ' || i / $2::int, 'UTF8'))
          else sha256(int8send(i)) end, case when i % 10 = 0 then 'Token ' || i end, now()
        from generate_series(0, $1::int - 1) i`, tokens, tokens / known)
      await run(`vacuum analyze ${prefix}users, ${prefix}tokens`)
    },
    async size () {
      const { rows: [row] } = await run(`select pg_total_relation_size('${prefix}users')
        + pg_total_relation_size('${prefix}tokens') as size`)
      return Number(row.size)
    },
    async remove () {
      await drop()
      await db.destroy()
    }
  }
}

async function withClient<T> (work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Returns the median time of a call in milliseconds, after some calls that warm up. */
async function timeOf (calls: number, call: (n: number) => unknown): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < calls * 1.2; n++) {
    const began = performance.now()
    await call(n)
    if (n >= calls * 0.2) times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[times.length >> 1] as number
}

async function measure (engine: Engine, tokens: number): Promise<Record<string, string>> {
  const time = (ms: number) => ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`
  await engine.seed(tokens)
  const before = await engine.size()
  const began = performance.now()
  await migrateStorage(engine.open())
  const migrated = (performance.now() - began) / 1000
  const storage = engine.open()
  await storage.open()
  const created = { name: null, scopes: null, expires_at: null, expires_in: null, disabled: false, data: null }
  const find = async (n: number) => {
    if (await storage.findTokenByHash(hashOf(n * 7919 % known)) === undefined) throw new Error('A token is missing')
  }
  const row = {
    'on disk': `${(await engine.size() / 2 ** 20).toFixed(0)} MiB`,
    'of it before the migrations': `${(before / 2 ** 20).toFixed(0)} MiB`,
    'migrations that add five columns, two indexes and the audit trail': `${migrated.toFixed(1)} s`,
    'a token check': time(await timeOf(40_000, find)),
    'the newest 100 tokens': time(await timeOf(300, () => storage.listTokens({ order: 'desc', limit: 100 }))),
    '100 tokens in the middle': time(await timeOf(300, () =>
      storage.listTokens({ order: 'asc', limit: 100, after: String(tokens / 2) }))),
    'the tokens of a user': time(await timeOf(300, (n) =>
      storage.listTokens({ userId: String(1 + n * 7919 % (tokens / 10)), order: 'asc', limit: 100 }))),
    'the count of all tokens': time(await timeOf(3, () => storage.countTokens())),
    'creating a token': time(await timeOf(1000, (n) => storage.createToken({
      ...created,
      user_id: String(1 + n * 7919 % (tokens / 10)),
      hash: randomBytes(32),
      start: null,
      created_at: '2024-01-01T12:00:00.000Z'
    }))),
    'memory of the app': `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`
  }
  await storage.close()
  return row
}

for (const [name, create] of Object.entries({ SQLite: sqlite, PostgreSQL: postgres })) {
  const columns: Record<string, Record<string, string>> = {}
  for (const tokens of process.argv.slice(2).map(Number)) {
    const engine = create()
    try {
      columns[tokens.toLocaleString('en')] = await measure(engine, tokens)
    } finally {
      await engine.remove()
    }
  }
  const names = Object.keys(columns)
  const [first] = Object.values(columns)
  console.log(`### ${name}\n\n| | ${names.join(' | ')} |\n| --- |${' --- |'.repeat(names.length)}`)
  for (const label of Object.keys(first ?? {})) {
    console.log(`| ${label} | ${Object.values(columns).map((column) => column[label]).join(' | ')} |`)
  }
  console.log()
}
