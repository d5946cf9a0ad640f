// MySQL, and the oldest, the installed and the newest MariaDB of Debian.
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { dialectFor } from '../support/databases.js'
import { startServer, uninstalled, type Product } from '../support/servers.js'
import { adminOf, until } from './clusters.js'
import { testEngine } from './conformance.js'
import { mariadbIn, mysqlIn, unpack } from './unpacked.js'

type Unpacked = readonly [
  engine: string, product: (folder: string) => Product, program: string, suite: string, name: string
]

const engines: readonly Unpacked[] = [
  ['MySQL', mysqlIn, 'mysqld', 'sid', 'mysql-server-core'],
  ['MariaDB 10.5', mariadbIn, 'mariadbd', 'bullseye', 'mariadb-server-core-10.5'],
  ['MariaDB 11.8', mariadbIn, 'mariadbd', 'trixie', 'mariadb-server-core']
]

for (const [engine, product, program, suite, name] of engines) {
  t.test(engine, { skip: uninstalled('mysql') }, async (t) => {
    const folder = await unpack(engine, program, suite, name)
    if (folder === undefined) return t.comment(`${engine} cannot be obtained`)
    await testEngine(t, { engine, ...await startIn(t, product(folder)) })
  })
}

t.test('MariaDB', { skip: uninstalled('mysql') }, async (t) => {
  await testEngine(t, { engine: 'MariaDB', ...await startIn(t, 'mysql') })
})

/** Starts a server, and returns how to use its database `test`. */
async function startIn (t: Test, product: 'mysql' | Product) {
  // A power cut may undo what these tests write.
  const { url } = await startServer(t, product, ['--skip-log-bin', '--innodb-flush-log-at-trx-commit=2'])
  const admin = adminOf(t, 'mysql', { url })
  await until(async () => (await sql`create database if not exists test`.execute(admin)).rows.length === 0)
  const test = url.replace(/mysql$/, 'test')
  return {
    db: adminOf(t, 'mysql', { url: test }),
    storages: [(tablePrefix: string) => new KyselyStorage({ dialect: dialectFor('mysql', test), tablePrefix })]
  }
}
