// The oldest and the newest PostgreSQL, PgBouncer, and PGlite.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Kysely, PostgresDialect, sql, type Dialect } from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { KyselyStorage, withPreparedStatements } from '../../src/index.js'
import { dialectFor } from '../support/databases.js'
import { startServer, uninstalled, type DatabaseServer, type Product } from '../support/servers.js'
import { adminOf, until } from './clusters.js'
import { testEngine } from './conformance.js'
import { pgbouncerIn, postgresOf, unpack } from './unpacked.js'

const options = { skip: uninstalled('postgres') }
const version = "split_part(current_setting('server_version'), ' ', 1)"

/** Returns a dialect as README shows it. */
function preparing (url: string): Dialect {
  const pool = new pg.Pool({ connectionString: url, max: 5, Client: withPreparedStatements(pg.Client) })
  pool.on('error', () => {})
  pool.on('connect', (client) => { client.on('error', () => {}) })
  return new PostgresDialect({ pool })
}

/** Returns how to use a server through a dialect. */
const through = (t: Test, { url }: DatabaseServer, dialect: (url: string) => Dialect) => ({
  db: adminOf(t, 'postgres', { url }),
  storages: [(tablePrefix: string) => new KyselyStorage({ dialect: dialect(url), tablePrefix })]
})

async function start (t: Test, product: 'postgres' | Product): Promise<DatabaseServer> {
  const server = await startServer(t, product, product === 'postgres' ? ['-c', 'fsync=off'] : [])
  const db = adminOf(t, 'postgres', server)
  await until(async () => (await sql`select 1`.execute(db)).rows.length === 1)
  return server
}

for (const major of [12, 18]) {
  const engine = `PostgreSQL ${major}`
  t.test(engine, options, async (t) => {
    const product = await postgresOf(t, engine, `postgres-${major}`)
    if (product === undefined) return t.comment(`${engine} cannot be obtained`)
    await testEngine(t, { engine, version, ...through(t, await start(t, product), preparing) })
  })
}

t.test('PostgreSQL', options, async (t) => {
  const server = await start(t, 'postgres')
  await testEngine(t, { engine: 'PostgreSQL', version, ...through(t, server, preparing) })
  const postgresJs = (url: string) => new PostgresJSDialect({ postgres: postgres(url, { max: 5 }) })
  await testEngine(t, { engine: 'PostgreSQL, through postgres.js', version, ...through(t, server, postgresJs) })

  const engine = 'PgBouncer in transaction mode'
  const folder = await unpack(engine, 'pgbouncer', 'trixie', 'pgbouncer')
  if (folder === undefined) return t.comment('PgBouncer cannot be obtained')
  const { stdout } = await promisify(execFile)(`${folder}/run`, ['pgbouncer', '--version'])
  const both = `'${stdout.split('\n', 1)[0]?.split(' ')[1]}, PostgreSQL ' || ${version}`
  const settings = ['default_pool_size = 8']
  const bouncer = await start(t, pgbouncerIn(folder, new URL(server.url), settings))
  await testEngine(t, { engine, version: both, ...through(t, bouncer, preparing) })
  const plain = await start(t, pgbouncerIn(folder, new URL(server.url), [...settings, 'max_prepared_statements = 0']))
  await testEngine(t, {
    engine: `${engine}, without prepared statements`,
    version: both,
    ...through(t, plain, (url) => dialectFor('postgres', url))
  })
})

t.test('PGlite', async (t) => {
  // tsc does not see these packages, because npm ci does not install them.
  const load = (name: string): Promise<any> => import(name)
  const [{ PGlite }, { PGliteDialect }] = await Promise.all([
    load('@electric-sql/pglite'), load('kysely-pglite-dialect')
  ])
  const folder = `${import.meta.dirname}/node_modules/@electric-sql/pglite`
  const { version: release } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  // PGlite has one connection, so all storages use one Kysely.
  const db = new Kysely<any>({ dialect: new PGliteDialect(await PGlite.create()) })
  t.teardown(() => db.destroy())
  await testEngine(t, {
    engine: 'PGlite',
    version: `'${release}, PostgreSQL ' || ${version}`,
    db,
    storages: [(tablePrefix) => new KyselyStorage({ db, tablePrefix })],
    // PGlite reads a text without its first character if that is U+FEFF.
    failing: [
      'createUser, updateUser: keep each character of a name',
      'createToken, createUser: keep each character of names, scopes and data',
      'updateToken: keeps each character of names, scopes and data'
    ]
  })
})
