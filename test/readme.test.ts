import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import * as api from '../src/index.js'
import { sqliteStorage, vexaAdmin } from '../src/index.js'
import { resolveOptions } from '../src/resolve-options.js'
import { storageMethodNames } from '../src/storage/storage-adapter.js'
import { hasValidChecksum } from './support/checksum.js'
import { root, run } from './support/child.js'
import { backDoor, emptyPlace, mysqlUrl, postgresUrl, storageAt, tablePrefixAt, unavailable } from './support/databases.js'
import { adminKey } from './support/helpers.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program as string)
const [mount, guards, calls, authorized, openapi, audit, , sqlite, postgres, mysql, migration, adapter, conformance, share] = programs as [string, string, string, string, string, string, string, string, string, string, string, string, string, string]
const listen = /\nawait app.listen.*\n/

t.test('each call works as it stands, and answers what is written below it', async (t) => {
  const cwd = t.testdir({ 'app.mts': mount.replace('port: 3000', 'port: 0') })
  const server = run(t, relative(root, `${cwd}/app.mts`), { cwd, env: { ADMIN_API_KEY: adminKey } })
  const url = JSON.parse(await server.line(/Server listening/)).msg.replace(/.* at http:\/\/[^:]+/, 'http://localhost')
  const calls = [...readme.matchAll(/```sh\n(curl .*?)```\n(?:\n```json\n(.*?)```)?/gs)]
    .map(([, call = '', documented = '']) => ({ call: call.replaceAll('http://localhost:3000', url).trim(), documented: documented.trim() }))
  t.equal(calls.length, 7)
  // The one that stands further down is of a token that is valid.
  const [revoke, verify] = calls.splice(-2) as [typeof calls[number], typeof calls[number]]
  let token = ''
  for (const { call, documented } of [...calls, verify, revoke]) {
    const { stdout } = await curl(call, token)
    t.equal(varying(stdout.trim()), varying(documented), call)
    token ||= /vex_[0-9A-Za-z]{36}/.exec(stdout)?.[0] ?? ''
  }
  const status = async (call: string) => (await curl(`${call} -o /dev/null -w '%{http_code}'`, token)).stdout
  t.equal(await status(revoke.call), '404', 'revoked again')
  t.equal(await status(calls.find(({ call }) => call.includes('/me'))?.call ?? ''), '401', 'and opens nothing')
})

t.test('the token that it shows is one', async (t) => {
  const [token] = readme.match(/vex_[0-9A-Za-z]{36}/) ?? []
  t.ok(hasValidChecksum(token as string))
})

/** Runs a program, and gives the line that it prints in JSON. */
async function outputOf (t: Test, program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown[]> {
  const directory = t.testdir({ 'program.mts': program })
  const child = run(t, relative(root, `${directory}/program.mts`), { env: { ADMIN_API_KEY: adminKey, ...env } })
  const line = await child.line(/^\[/)
  t.equal(await child.exit, 0, child.output())
  return JSON.parse(line)
}

t.test('it has these programs', async (t) => {
  t.equal(programs.length, 14, 'the last of them is in place of one of those above, and that of metrics is run where the package is tested')
  t.match(mount, listen)
})

// What the guards and a test need of options, and a look at what came of it.
const registration = /^await app.register\(vexaAdmin.*\n/m
const scoped = guards.match(registration)?.[0].replace('scopes: [', 'storage, scopes: [') ?? ''
const inUse = mount.replace(listen, '').replace('{ logger: true }', '').replace(registration, scoped) + guards.replace(registration, '') + calls + `
  const ask = async (method, url) => (await app.inject({ method, url, headers: { authorization: 'Bearer ' + token } })).body
  console.log(JSON.stringify([verification.valid, JSON.parse(await ask('GET', '/me')), JSON.parse(await ask('POST', '/bots'))]))
  await app.close()`

t.test('its programs, one after the other, are one that runs', async (t) => {
  const [valid, me, bots] = await outputOf(t, sqlite.replace('/var/lib/my-app/admin.db', ':memory:') + inUse)
  t.equal(valid, true)
  t.match(me, { id: 'user-1', email: 'jane@example.com' })
  t.same(bots, { startedBy: 'user-1', with: 'token-1' })
})

t.test('README: the program with `authorize` accepts a trusted origin, and names the actor', async (t) => {
  const program = `import { subscribe } from 'node:diagnostics_channel'
    import Fastify from 'fastify'
    import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
    const app = Fastify(), findAdmin = async (cookie) => cookie && { email: 'jane@example.com' }, actors = []
    subscribe('fastify-vexa-admin:user:created', ({ actor }) => actors.push(actor))
    ${authorized.replace('trustedOrigins', "storage: sqliteStorage({ filename: ':memory:' }), trustedOrigins")}
    const create = async (headers) => (await app.inject({ method: 'POST', url: '/admin/users', headers, payload: { email: 'a@example.com' } })).statusCode
    const origin = 'https://admin.example', cookie = 'session=1'
    console.log(JSON.stringify([await create({ origin }), await create({ cookie, origin: 'https://evil.example' }), await create({ cookie, origin }), actors]))
    await app.close()`
  t.same(await outputOf(t, program), [401, 403, 201, ['jane@example.com']])
})

t.test('its document has the API and the route behind a token, and its events are heard', async (t) => {
  const storage = 'process.env.ADMIN_API_KEY, storage: sqliteStorage({ filename: \':memory:\' })'
  const program = openapi.replace(listen, '').replace('process.env.ADMIN_API_KEY', storage).replace('securitySchemes }', 'securitySchemes, sqliteStorage }') + audit.replace('console.log(', 'heard.push(') + `
    var heard
    heard = []
    await app.vexaAdmin.users.create({ email: 'jane@example.com' })
    const page = await app.inject('/docs')
    console.log(JSON.stringify([page.statusCode, Object.keys(app.swagger().paths).length, app.swagger().paths['/me'].get.security, heard.map(JSON.parse)]))
    await app.close()`
  t.same(await outputOf(t, program), [200, 8, [{ apiToken: [] }, { bearerToken: [] }], [{ event: 'fastify-vexa-admin:user:created', prefix: '/admin', userId: 'user-1' }]])
})

t.test('its table of events is that of the code', async (t) => {
  t.same(firstColumn('### Audit events'), [...api.auditEvents])
})

for (const [database, program] of [['postgres', postgres], ['mysql', mysql]] as const) {
  t.test(`also on ${database}, migrated apart`, { skip: await unavailable(database) }, async (t) => {
    const tablePrefix = tablePrefixAt(emptyPlace(t, database))
    const apart = (program: string) => program.replaceAll(/(dialect: new \w+Dialect\({ pool }\)) }/g, `$1, tablePrefix: '${tablePrefix}' }`)
    const env = { POSTGRES_URL: postgresUrl, MYSQL_URL: mysqlUrl }
    const migrating = program.replace(/const storage = .*/, '').replace(/^import { KyselyStorage } .*/m, '') +
      migration.replace('{ dialect }', database === 'mysql' ? '{ dialect: new MysqlDialect({ pool }) }' : '{ dialect: new PostgresDialect({ pool }) }')
    t.same(await outputOf(t, `${apart(migrating)}; console.log(JSON.stringify([from, to]))`, env), [0, 3])
    const [valid, me] = await outputOf(t, apart(program).replace(`'${tablePrefix}' }`, `'${tablePrefix}', migrate: false }`) + inUse, env)
    t.equal(valid, true)
    t.match(me, { id: 'user-1', email: 'jane@example.com' })
  })
}

t.test('README: its statement sets a sequence that was left behind by a restore', { skip: await unavailable('postgres') }, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const storage = storageAt(place)
  await storage.open()
  t.teardown(() => storage.close())
  const { db, prefix } = backDoor(t, place)
  // A row with its key, as it comes out of a backup.
  await db.insertInto(`${prefix}users`).values({ id: 7, email: 'old@example.com', max_concurrent_bots: 3, disabled: false, revision: 0, created_at: new Date() }).execute()
  const [, statement = ''] = /`(select setval\(.*?)`/.exec(readme) ?? []
  t.match(statement, /vexa_users/)
  for (const table of ['vexa_users', 'vexa_tokens']) await sql.raw(statement.replaceAll('vexa_users', table).replaceAll('vexa_', prefix)).execute(db)
  const user = { email: 'new@example.com', name: null, max_concurrent_bots: 3, data: null, created_at: new Date().toISOString() }
  t.match(await storage.createUser(user), { id: '8' })
  t.match(await storage.createToken({ user_id: '8', hash: Buffer.alloc(32), name: null, scopes: null, expires_in: null, expires_at: null, created_at: user.created_at }), { id: '1' })
})

t.test('so do those of a storage of its own, which its test passes', async (t) => {
  const directory = t.testdir({ 'storage.test.mts': `import { MemoryStorage } from '../../../examples/custom-storage.js'\n${conformance.replace('new MyStorage', 'new MemoryStorage')}` })
  const child = run(t, relative(root, `${directory}/storage.test.mts`))
  t.equal(await child.exit, 0, child.output())
  t.match(child.output(), /pass 5\d\s/)
  const program = adapter.replace(/class.*?^}/ms, '').replace('new MyStorage()', 'new MemoryStorage()')
  t.same(await outputOf(t, `import Fastify from 'fastify'
    import vexaAdmin from 'fastify-vexa-admin'
    import { MemoryStorage } from '../../../examples/custom-storage.js'
    const app = Fastify(), adminKeys = process.env.ADMIN_API_KEY
    ${program}
    console.log(JSON.stringify([await app.vexaAdmin.users.list()]))`), [[]])
})

t.test('its programs are what TypeScript takes', async (t) => {
  const app = "import type { FastifyInstance } from 'fastify'\nimport vexaAdmin from 'fastify-vexa-admin'\ndeclare const app: FastifyInstance\n"
  const ownStorage = `import { MemoryStorage } from '${root}examples/custom-storage.js'\nclass MyStorage extends MemoryStorage { readonly prefix: string\nreadonly client = { disconnect () {} }\nconstructor (prefix = '') { super(); this.prefix = prefix } }\n`
  const files = { mount, guards: app + guards, calls: app + calls + 'export default verification', authorized: app + 'declare const findAdmin: (cookie?: string) => Promise<{ email: string } | undefined>\n' + authorized, openapi, audit, sqlite, postgres, mysql, migration: "import type { Dialect } from 'kysely'\ndeclare const dialect: Dialect\n" + migration, conformance: ownStorage + conformance + share }
  const directory = t.testdir({
    ...Object.fromEntries(Object.entries(files).map(([name, program]) => [`${name}.mts`, program])),
    // What is declared as an example is not always used in it.
    'tsconfig.json': JSON.stringify({ extends: `${root}tsconfig.json`, compilerOptions: { rootDir: root, noUnusedLocals: false }, include: ['*.mts'] })
  })
  await t.resolves(promisify(execFile)(`${root}node_modules/.bin/tsc`, ['-p', directory]).catch(({ stdout }) => { throw new Error(stdout) }))
})

t.test('its table of methods is that of StorageAdapter', async (t) => {
  const section = readme.slice(readme.indexOf('### A storage of your own'))
  const table = /(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''
  const methods = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [...(cell as string).matchAll(/`(\w+)\(/g)].map(([, name]) => name))
  t.same(methods.sort(), [...storageMethodNames].sort())
})

t.test('its table of options is that of the code', async (t) => {
  const options = Object.keys(resolveOptions({ adminKeys: adminKey }))
  t.same(firstColumn('## Options').sort(), [...options, 'authorize'].sort())
})

t.test('its table of errors is that of the code', async (t) => {
  const documented = [...readme.matchAll(/`(VEXA_ADMIN_ERR_\w+)` \|/g)].map(([, code]) => code)
  const codes = Object.entries(api).filter(([name]) => name.endsWith('Error'))
    .map(([, make]) => new (make as new (...args: unknown[]) => { code: string })({}).code)
  t.same(documented.sort(), codes.sort())
})

t.test('its table of routes is that of the code', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => { routes.push(`${method} ${url.replace('/admin', '')}`) })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: sqliteStorage({ filename: ':memory:' }) })
  t.same(firstColumn('## Routes').sort(), routes.filter((route) => !route.startsWith('HEAD') && !route.includes('*') && !route.includes(',')).sort())
})

/** What stands in backticks in the first column of the first table below a heading. */
function firstColumn (heading: string): string[] {
  const section = readme.slice(readme.indexOf(`${heading}\n`))
  const table = /(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell as string)
}

function curl (command: string, token: string) {
  return promisify(execFile)('bash', ['-c', command.replace(/^curl/, 'curl --silent')], { env: { PATH: process.env.PATH, ADMIN_API_KEY: adminKey, TOKEN: token } })
}

/** Times and values of tokens differ from run to run, and a use is written a few seconds later. */
function varying (json: string): string {
  return json.replace(/,"last_used_at":"[^"]+"/g, '').replace(/\d{4}-\d\d-\d\dT[\d:.]{12}Z/g, '<time>').replace(/vex_[0-9A-Za-z]{36}/g, '<value>')
}
