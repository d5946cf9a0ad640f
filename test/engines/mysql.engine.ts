// MySQL, and the oldest and newest MariaDB of a supported Debian.
import { sql } from 'kysely'
import t from 'tap'
import { dialectFor } from '../support/databases.js'
import { startServer, uninstalled, type Product } from '../support/servers.js'
import { adminOf, until } from './clusters.js'
import { testEngine } from './conformance.js'
import { mariadbIn, mysqlIn, unpack } from './unpacked.js'

const engines: ReadonlyArray<readonly [engine: string, product: (folder: string) => Product, suite: string, name: string]> = [
  ['MySQL', mysqlIn, 'sid', 'mysql-server-core'],
  ['MariaDB 10.5', mariadbIn, 'bullseye', 'mariadb-server-core-10.5'],
  ['MariaDB 11.8', mariadbIn, 'trixie', 'mariadb-server-core']
]

for (const [engine, product, suite, name] of engines) {
  t.test(engine, { skip: uninstalled('mysql') }, async (t) => {
    const folder = await unpack(engine, suite, name)
    if (folder === undefined) return t.comment(`${engine} cannot be obtained`)
    const server = await startServer(t, product(folder), ['--skip-log-bin'])
    const db = adminOf(t, 'mysql', server)
    await until(async () => (await sql`create database if not exists test`.execute(db)).rows.length === 0)
    await testEngine(t, { engine, dialects: [() => dialectFor('mysql', server.url.replace(/mysql$/, 'test'))] })
  })
}
