import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import t from 'tap'
import { loadDriver } from '../../src/cli/drivers.js'
import { cliHome, serve } from '../support/cli.js'
import { emptyPlace, mysqlUrl, postgresUrl, tablePrefixAt, unavailable } from '../support/databases.js'

for (const [database, url, server] of [
  ['postgres', postgresUrl, /^PostgreSQL/], ['mysql', mysqlUrl, /^[\d.]+/]
] as const) {
  t.test(`${database}: commands work over a URL`, { skip: await unavailable(database) }, async (t) => {
    const prefix = ['--table-prefix', tablePrefixAt(emptyPlace(t, database))]
    const { cli, values } = cliHome(t, url)
    t.match(await cli(['user', 'list', ...prefix]), { exitCode: 1, stderr: /migrate the database first/ })
    t.match(await values('user', 'create', 'jane@example.com', ...prefix), [{ id: 'user-1' }])
    const { stdout } = await cli(['token', 'create', 'user-1', ...prefix])
    t.equal((await cli(['token', 'verify', ...prefix], { input: stdout })).exitCode, 0)
    t.match(await values('audit', ...prefix), [{ action: 'token.created' }, { action: 'user.created' }])
    t.match(await cli(['token', 'show', 'token-1', ...prefix]), { exitCode: 0, stdout: /^ID\ttoken-1\n/ })
    const env = { DATABASE_URL: url, ADMIN_API_KEY: 'a-key-from-the-environment' }
    const served = await serve(t, ['--log-level', 'silent', ...prefix], { env })
    const headers = { 'x-admin-api-key': env.ADMIN_API_KEY }
    t.match(await (await fetch(`${served.url}/admin/users`, { headers })).json(), [{ id: 'user-1' }])
    t.equal(await served.stop(), 0)
    const findings = await values('doctor', ...prefix)
    t.same(findings.filter(({ ok }) => !ok), [])
    t.match(findings.find(({ check }) => check === 'server').detail, server)
    t.match(findings.find(({ check }) => check === 'clock').detail, / s from the clock of this machine$/)
  })
}

t.test('database: no message repeats a password', async (t) => {
  const { cli } = cliHome(t)
  for (const url of [
    'postgres://jane:geheim@127.0.0.1:1/x', 'postgresql://jane:geheim@127.0.0.1:1/x?sslmode=require',
    'mysql://jane:geheim@127.0.0.1:1/x', 'mariadb://jane:geheim@127.0.0.1:1/x',
    'postgres://127.0.0.1:1/x?password=geheim', 'postgres://jane:geheim@127.0.0.1:port/x', 'mysql://jane:geheim%@127.0.0.1:1/x', 'oracle://jane:geheim@db/x',
    postgresUrl.replace(/\/\/.*@/, '//nobody:geheim@'), mysqlUrl.replace(/\/\/.*@/, '//nobody:geheim@')
  ]) {
    for (const command of [['user', 'list'], ['doctor'], ['migrate', '--json'], ['backup', 'copy.db']]) {
      const fromOption = await cli([...command, '--database', url])
      const fromEnvironment = await cli(command, { env: { DATABASE_URL: url } })
      for (const { exitCode, stdout, stderr } of [fromOption, fromEnvironment]) {
        t.not(exitCode, 0, url)
        t.notMatch(stdout + stderr, 'geheim', url)
      }
    }
  }
})

t.test('database: a wrong URL is wrong usage', async (t) => {
  const { cli } = cliHome(t)
  for (const [url, sentence] of [
    ['oracle://db', /must begin with sqlite:, postgres:\/\/ or mysql:\/\//],
    ['vexa-admin.db', /must begin with sqlite:/],
    ['sqlite:', /names no file: write sqlite:PATH/],
    ['sqlite::memory:', /A database in memory ends with the command: name a file/],
    ['postgres://root:50%@db/x', /write characters such as/],
    ['mysql://bob:S3c%retPw@db/x', /write characters such as/],
    ['mysql://bob:secret@db/50%', /write characters such as/],
    ['mysql://root:a/b@db/x', /write characters such as @ \/ # \? and % of a password as %40/]
  ] as const) {
    t.match(await cli(['user', 'list', '--database', url]), { exitCode: 2, stderr: sentence })
  }
  t.match(await cli(['user', 'list', '--table-prefix', 'a-b']), { exitCode: 1, stderr: /There is no database/ })
  t.match(await cli(['migrate', '--table-prefix', 'a-b']), { exitCode: 2, stderr: /`tablePrefix` must be/ })
  t.match(await cli(['user', 'create', 'a@b', '--database', 'sqlite:///nowhere/a.db']), { stderr: /open \/nowhere\/a.db/ })
})

t.test('database: a missing driver is named with the command that installs it', async (t) => {
  t.throws(() => loadDriver('no-driver', 'Such', t.testdir()),
    { exitCode: 1, message: 'Such needs the package no-driver, which is not installed: npm install no-driver' })
})

t.test('database: a driver of the project comes before that of this package', async (t) => {
  const directory = t.testdir({ node_modules: { pg: { 'index.js': 'module.exports = "of the project"' } } })
  t.equal(loadDriver('pg', 'PostgreSQL', directory), 'of the project')
})

t.test('storage: a module exports a storage, and every command works with it', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const module = new URL('../../examples/custom-storage.ts', import.meta.url)
  // Without the methods of the audit trail.
  writeFileSync(`${directory}/plain.mjs`, `import { MemoryStorage } from '${module}'
    export const memory = new MemoryStorage()
    const plain = Object.create(null)
    for (const name of Object.getOwnPropertyNames(MemoryStorage.prototype)) {
      if (!/Audit|constructor/.test(name)) plain[name] = (...args) => memory[name](...args)
    }
    export default plain`)
  const storage = ['--storage', 'plain.mjs']
  t.match(await values('user', 'create', 'jane@example.com', ...storage), [{ id: 'user-1' }])
  t.match(await cli(['audit', ...storage]), { exitCode: 1, stderr: /There is no audit trail/ })
  t.match(await cli(['doctor', ...storage]), { exitCode: 1, stdout: /audit trail\twrong\tThere is no audit trail/ })

  writeFileSync(`${directory}/throws.mjs`, "export default () => { throw 'no configuration' }")
  writeFileSync(`${directory}/open.mjs`, `import { MemoryStorage } from '${module}'
    const storage = new MemoryStorage()
    storage.close = async () => { throw new Error('secret') }
    export default storage`)
  writeFileSync(`${directory}/empty.mjs`, 'export const storage = {}')
  writeFileSync(`${directory}/away.mjs`, `import { MemoryStorage } from '${module}'
    const storage = new MemoryStorage()
    storage.listUsers = () => { throw Object.assign(new Error('secret'), { code: 'ECONNRESET' }) }
    storage.findUser = () => { throw new Error('secret') }
    export default storage`)
  for (const [args, exitCode, sentence] of [
    [['user', 'list', '--storage', 'missing.mjs'], 1, /There is no file \S+missing.mjs/],
    [['user', 'list', '--storage', 'throws.mjs'], 1, /: no configuration\n$/],
    [['user', 'show', 'user-1', '--storage', 'open.mjs'], 1, /: User not found\n$/],
    [['user', 'list', '--storage', 'empty.mjs'], 1, /empty.mjs must have a storage, or a function that returns one/],
    [['user', 'list', ...storage, '--database', 'sqlite:a.db'], 2, /leave out --database and --table-prefix/],
    [['user', 'list', '--storage', 'away.mjs'], 1, /: Storage cannot answer now \(ECONNRESET\)\n$/],
    [['user', 'show', 'user-1', '--storage', 'away.mjs'], 1, /: Storage cannot answer now\n$/]
  ] as const) t.match(await cli([...args]), { exitCode, stdout: '', stderr: sentence })
  t.match(await cli(['user', 'list', '--storage', 'open.mjs']), { exitCode: 1, stderr: /: Storage cannot answer now\n$/ })
})

t.test('actor: is the id of the user if the process has no user name', async (t) => {
  const services = await t.mockImport('../../src/cli/services.js', {
    'node:os': { userInfo: () => { throw new Error('no such user') } }
  }) as typeof import('../../src/cli/services.js')
  t.same(services.changeBy({}), { actor: `cli:${userInfo().uid}` })
})
