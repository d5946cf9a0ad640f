import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import t from 'tap'
import { databaseChecks, type Check } from '../../src/cli/database-checks.js'
import { cliHome } from '../support/cli.js'

const memoryStorage = new URL('../../examples/custom-storage.ts', import.meta.url)

t.test('migrate: creates the tables, and --check changes nothing', async (t) => {
  const { cli, values } = cliHome(t)
  t.match(await cli(['migrate', '--check']), { exitCode: 1, stderr: /There is no database at \S+vexa-admin.db/ })
  const first = await cli(['migrate'])
  t.match(first, { exitCode: 0, stdout: /^The tables went from version 0 to \d+\n$/ })
  t.match((await cli(['migrate'])).stdout, /^The tables are up to date, at version \d+\n$/)
  t.same(await values('migrate', '--check'), [{ up_to_date: true }])
  const foreign = ['migrate', '--check', '--table-prefix', 'other_']
  t.match(await cli(foreign), {
    exitCode: 1, stderr: /schema version 0, .*: migrate the database first, with npx fastify-vexa-admin migrate\n$/
  })
})

t.test('migrate: needs a KyselyStorage, and --check needs a database', async (t) => {
  const { cli, directory } = cliHome(t)
  writeFileSync(`${directory}/storage.mjs`, `export { MemoryStorage as default } from '${memoryStorage}'`)
  writeFileSync(`${directory}/function.mjs`, `import { MemoryStorage } from '${memoryStorage}'
    export default () => new MemoryStorage()`)
  t.match(await cli(['migrate', '--storage', 'function.mjs']), { exitCode: 1, stderr: /Only a KyselyStorage has tables/ })
  t.match(await cli(['migrate', '--check', '--storage', 'function.mjs']), { exitCode: 2, stderr: /--check needs --database/ })
})

t.test('prune: deletes expired tokens, and shows on a terminal how long it takes', async (t) => {
  const { cli, values, directory } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1', '--expires-in', '1')
  t.match(await cli(['prune']), { exitCode: 2, stderr: /--expired-before is required/ })
  t.match(await cli(['prune', '--expired-before', 'now+1d']), {
    exitCode: 2, stderr: /: --expired-before must not be in the future\. Help/
  })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  t.equal((await cli(['prune', '--expired-before', 'now'])).stdout, 'Deleted 1 expired token\n')
  t.same(await values('prune', '--expired-before', 'now'), [{ deleted: 0 }])

  writeFileSync(`${directory}/slow.mjs`, `import { MemoryStorage } from '${memoryStorage}'
    const storage = new MemoryStorage()
    storage.pruneTokens = () => new Promise((resolve) => setTimeout(resolve, 1200, { deleted: 2 }))
    export default storage`)
  const args = ['prune', '--expired-before', 'now', '--storage', 'slow.mjs']
  const slow = await cli(args, { isTTY: true })
  t.equal(slow.stdout, 'Deleted 2 expired tokens\n')
  t.equal(slow.stderr, '\r\u001b[KDeleting expired tokens: 1 s\r\u001b[K')
  t.equal((await cli(args)).stderr, '')
})

t.test('doctor: finds nothing wrong with a new database, and prints what it found', async (t) => {
  const { cli, values } = cliHome(t)
  t.match(await cli(['doctor']), { exitCode: 1, stderr: /There is no database at/ })
  await values('migrate')
  const empty = await cli(['doctor'])
  t.equal(empty.exitCode, 0, empty.stdout)
  t.match(empty.stdout, /^CHECK\tSTATE\tDETAIL\nversions\tok\tfastify-vexa-admin /)
  t.match(empty.stdout, /audit trail\tok\tno entries: the option audit of the app may be off\n/)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1')
  const found = await values('doctor')
  const details = Object.fromEntries(found.map(({ check, ok, detail }) => [check, ok && detail]))
  t.match(details, {
    'tables and settings': 'up to date, and safe',
    connection: /^answers in [\d.]+ ms$/,
    users: '1',
    tokens: '1',
    'expired tokens': '0',
    'audit trail': /^last entry at 20/,
    server: /^3\./,
    'orphaned tokens': '0',
    integrity: 'ok',
    permissions: 'mode 600'
  })
})

t.test('doctor: finds old tables, orphaned rows, damage and an open file', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const file = `${directory}/vexa-admin.db`
  await values('user', 'create', 'jane@example.com')
  for (let i = 0; i < 50; i++) await values('token', 'create', 'user-1', '--data', `{"a":"${'x'.repeat(5000)}"}`)
  t.match(await cli(['doctor', '--table-prefix', 'other_']), {
    exitCode: 1, stdout: /tables and settings\twrong\tthe database has schema version 0, .*\n$/
  })
  const db = new Database(file)
  db.pragma('foreign_keys = off')
  db.exec('delete from vexa_users')
  db.pragma('wal_checkpoint(truncate)')
  db.close()
  chmodSync(file, 0o644)
  // Damages a page of the rows of tokens, near the end of the file.
  const bytes = readFileSync(file)
  const page = bytes.indexOf('xxxxxxxx', bytes.length >> 1) & ~4095
  bytes.fill(0xff, page, page + 4096)
  writeFileSync(file, bytes)
  const sick = await cli(['doctor'])
  t.equal(sick.exitCode, 1)
  t.match(sick.stdout, /orphaned tokens\twrong\t50 tokens have no user, so foreign keys were off/)
  t.match(sick.stdout, /integrity\twrong\tThe file is damaged: restore a backup/)
  t.match(sick.stdout, /permissions\twrong\tOthers can read the file \(mode 644\): chmod o= /)
})

t.test('doctor: compares the clocks', async (t) => {
  const database = new Database(':memory:')
  const db = new Kysely<any>({ dialect: new SqliteDialect({ database }) })
  t.teardown(() => db.destroy())
  database.function('now', { varargs: true }, () => 0)
  let seconds = Date.now() / 1000
  database.function('unix_timestamp', { varargs: true }, () => seconds)
  const [, clock] = databaseChecks(db, 'mysql', 'vexa_').at(-1) as Check
  t.match(await clock(), /^-?0\.\d s from the clock of this machine$/)
  seconds += 60
  await t.rejects(clock(), { message: /^(60|59)\.\d s from the clock of this machine: synchronise both clocks$/ })
})

t.test('doctor: checks a storage without SQL', async (t) => {
  const { cli, directory } = cliHome(t)
  writeFileSync(`${directory}/storage.mjs`, `import { MemoryStorage } from '${memoryStorage}'
    export default new MemoryStorage()`)
  const { exitCode, stdout } = await cli(['doctor', '--storage', 'storage.mjs'])
  t.equal(exitCode, 0)
  t.notMatch(stdout, /server|integrity/)
})

t.test('backup: copies the file while it is open, and replaces no file', async (t) => {
  const { cli, values, directory } = cliHome(t)
  t.match(await cli(['backup', 'copy.db']), { exitCode: 1, stderr: /There is no database at/ })
  await values('user', 'create', 'jane@example.com')
  const open = new Database(`${directory}/vexa-admin.db`)
  t.teardown(() => open.close())
  open.exec("update vexa_users set name = 'Jane'")
  const [copied] = await values('backup', 'copy.db')
  t.same(copied, { file: `${directory}/copy.db`, bytes: statSync(`${directory}/copy.db`).size })
  t.match(await values('user', 'list', '--database', 'sqlite:copy.db'), [{ name: 'Jane' }])
  t.equal(statSync(`${directory}/copy.db`).mode & 0o777, 0o600)
  t.match(await cli(['backup', 'copy.db']), { exitCode: 1, stderr: /The file \S+copy.db exists, and is not replaced/ })
  t.match(await cli(['backup', 'no/copy.db']), { exitCode: 1, stderr: /The file \S+no\/copy.db cannot be written \(ENOENT\)/ })
  t.match((await cli(['backup', 'second.db'])).stdout, /^Copied \S+vexa-admin.db to \S+second.db: \d+ bytes\n$/)
})

t.test('backup: leaves no file when it fails, and names the tools of servers', async (t) => {
  const { cli, directory } = cliHome(t)
  writeFileSync(`${directory}/vexa-admin.db`, 'This is a text and not a database. '.repeat(100))
  t.match(await cli(['backup', 'copy.db']), { exitCode: 1, stderr: /file is not a database/ })
  t.notOk(existsSync(`${directory}/copy.db`))
  t.match(await cli(['backup', 'copy.db', '--database', 'postgres://u:geheim@db/x']), { exitCode: 2, stderr: /Use pg_dump/ })
  t.match(await cli(['backup', 'copy.db', '--database', 'mysql://u:geheim@db/x']), { exitCode: 2, stderr: /Use mysqldump/ })
})
