// The oldest and the newest PostgreSQL, PgBouncer, and PGlite.
import { Kysely, PostgresDialect, sql, type Dialect } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { withPreparedStatements } from '../../src/index.js'
import { dialectFor } from '../support/databases.js'
import { startServer, uninstalled, type DatabaseServer } from '../support/servers.js'
import { adminOf, until } from './clusters.js'
import { testEngine } from './conformance.js'
import { pgbouncerIn, postgresOf, unpack } from './unpacked.js'

const options = { skip: uninstalled('postgres') }

/** Returns a dialect as README shows it. */
function preparing (url: string): Dialect {
  const pool = new pg.Pool({ connectionString: url, max: 5, Client: withPreparedStatements(pg.Client) })
  pool.on('error', () => {})
  pool.on('connect', (client) => { client.on('error', () => {}) })
  return new PostgresDialect({ pool })
}

const answers = (db: Kysely<any>) =>
  until(async () => (await sql`select 1`.execute(db)).rows.length === 1)

for (const major of [12, 18]) {
  const engine = `PostgreSQL ${major}`
  t.test(engine, options, async (t) => {
    const product = await postgresOf(t, engine, `postgres-${major}`)
    if (product === undefined) return t.comment(`${engine} cannot be obtained`)
    const server = await startServer(t, product)
    await answers(adminOf(t, 'postgres', server))
    await testEngine(t, { engine, version: 'current_setting(\'server_version\')', dialects: [() => preparing(server.url)] })
  })
}

t.test('PgBouncer', options, async (t) => {
  const engine = 'PgBouncer, transaction mode'
  const folder = await unpack(engine, 'trixie', 'pgbouncer')
  if (folder === undefined) return t.comment('PgBouncer cannot be obtained')
  const server = await startServer(t, 'postgres', ['-c', 'fsync=off'])
  await answers(adminOf(t, 'postgres', server))
  const start = (settings: string[]): Promise<DatabaseServer> =>
    startServer(t, pgbouncerIn(folder, new URL(server.url), settings))

  const bouncer = await start(['default_pool_size = 8'])
  await answers(adminOf(t, 'postgres', bouncer))
  await testEngine(t, {
    engine, version: 'current_setting(\'server_version\')', dialects: [() => preparing(bouncer.url)]
  })
  const plain = await start(['default_pool_size = 8', 'max_prepared_statements = 0'])
  await testEngine(t, {
    engine: 'PgBouncer, transaction mode, without prepared statements',
    version: 'current_setting(\'server_version\')',
    dialects: [() => dialectFor('postgres', plain.url)]
  })
})

t.test('PGlite', async (t) => {
  // tsc does not see these packages, because npm ci does not install them.
  const load = (name: string): Promise<any> => import(name)
  const [{ PGlite }, { PGliteDialect }] = await Promise.all([
    load('@electric-sql/pglite'), load('kysely-pglite-dialect')
  ])
  const dialects = await Promise.all([1, 2].map(async () => {
    const lite = await PGlite.create()
    t.teardown(() => lite.close())
    // Each storage closes its database, but a new one has no tables.
    const kept = new Proxy(lite, {
      get: (target, name) => name === 'close' ? async () => {} : target[name]?.bind?.(target) ?? target[name]
    })
    return () => new PGliteDialect(kept) as Dialect
  })) as [() => Dialect, () => Dialect]
  await testEngine(t, {
    engine: 'PGlite',
    version: 'current_setting(\'server_version\')',
    dialects: [dialects[0]],
    others: [dialects[1]],
    // PGlite has one connection, which only one process can use.
    shares: false,
    // PGlite reads a text without its first character if that is U+FEFF.
    failing: [
      'createUser, updateUser: keep each character of a name',
      'createToken, createUser: keep each character of names, scopes and data',
      'updateToken: keeps each character of names, scopes and data'
    ]
  })
})
