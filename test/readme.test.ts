import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { relative } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import * as api from '../src/index.js'
import { sqliteStorage, vexaAdmin } from '../src/index.js'
import { resolveOptions } from '../src/resolve-options.js'
import { schemaVersion } from '../src/storage/sql/migrations/index.js'
import { hasValidChecksum } from './support/checksum.js'
import { root, run } from './support/child.js'
import {
  backDoor, emptyPlace, mysqlUrl, postgresUrl, storageAt, tablePrefixAt, unavailable
} from './support/databases.js'
import { fencesOf } from './support/fences.js'
import { adminKey } from './support/helpers.js'

const readme = readFileSync(`${root}README.md`, 'utf8')
const guide = readFileSync(`${root}examples/README.md`, 'utf8')

const fences = new Map([...fencesOf('README.md'), ...fencesOf('examples/README.md')])
const untaken = new Set(fences.keys())
function take (name: string): string {
  const found = fences.get(name)
  if (found === undefined) throw new Error(`Neither README has a code block with the name ${name}`)
  untaken.delete(name)
  return found.text
}

const [mount, scopes, services, authorize] = [take('mount'), take('scopes'), take('services'), take('authorize')]
const [sqlite, postgres, mysql, migrate] = [take('sqlite'), take('postgres'), take('mysql'), take('migrate')]
const [openapi, audit, health, stop] = [take('openapi'), take('audit'), take('health'), take('stop')]
const [testRoutes, ownRows, setSequence] = [take('test-routes'), take('own-rows'), take('set-sequence')]
const [adminKeys, script] = [take('admin-keys'), take('script')]
const [prune, commandLine, copyDatabase] = [take('prune'), take('command-line'), take('copy-database')]
// The replies of these calls are printed at another call, or are empty.
const replyOf: Record<string, string> = {
  'use-token': 'create-user', 'find-leaked': 'verify-token', 'revoke-token': ''
}
const calls = [
  'create-user', 'create-token', 'list-audit', 'use-token', 'list-users', 'get-user', 'verify-token', 'introspect',
  'find-leaked', 'get-token', 'revoke-value', 'revoke-token'
]
  .map((name) => {
    const reply = name in replyOf ? '' : take(`${name}-reply`).trim()
    return { name, call: take(name).trim(), reply }
  })

const listen = /\nawait app.listen.*\n/
const inMemory = "sqliteStorage({ filename: ':memory:' })"
const plainApp = `import Fastify from 'fastify'
  import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
  const app = Fastify()
`

/** Runs a program, and returns the line of JSON that it prints. */
async function outputOf (t: Test, program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown[]> {
  const directory = t.testdir({ 'program.mts': program })
  const child = run(t, relative(root, `${directory}/program.mts`), { env: { ADMIN_API_KEY: adminKey, ...env } })
  const line = await child.line(/^\[/)
  t.equal(await child.exit, 0, child.output())
  return JSON.parse(line)
}

t.test('README: each named code block is run by a test', async (t) => {
  // These are run by test/packed, by test/cli/sources, and by hand.
  t.same([...untaken].sort(), ['commonjs', 'cors', 'metrics', 'set-last-id', 'start', 'unkey-keys'])
})

t.test('README: each curl call returns the reply that is printed below it', async (t) => {
  const app = mount.replace('port: 3000', 'port: 0').replace('process.env.ADMIN_API_KEY', '$&, audit: true')
  const cwd = t.testdir({ 'app.mts': app })
  const server = run(t, relative(root, `${cwd}/app.mts`), { cwd, env: { ADMIN_API_KEY: adminKey } })
  const url = JSON.parse(await server.line(/Server listening/)).msg.replace(/.* at http:\/\/[^:]+/, 'http://localhost')
  let token = ''
  const ask = (call: string) => curl(call.replaceAll('http://localhost:3000', url), token)
  const replies = new Map(calls.map(({ name, reply }) => [name, reply]))
  for (const { name, call } of calls) {
    const { stdout } = await ask(call)
    const documented = replies.get(replyOf[name] ?? name) ?? ''
    t.equal(withoutVariables(stdout.trim()), withoutVariables(documented), name)
    token ||= /vex_[0-9A-Za-z]{36}/.exec(stdout)?.[0] ?? ''
  }
  const statusOf = async (name: string) => {
    const { call = '' } = calls.find((other) => other.name === name) ?? {}
    return (await ask(`${call} -o /dev/null -w '%{http_code}'`)).stdout
  }
  t.equal(await statusOf('revoke-token'), '404', 'the token is already revoked')
  t.equal(await statusOf('use-token'), '401', 'a revoked token is rejected')
})

t.test('README: the token in the quick start has a valid checksum', async (t) => {
  const [token] = readme.match(/vex_[0-9A-Za-z]{36}/) ?? []
  t.ok(hasValidChecksum(token as string))
})

// The quick start, with the registration that names scopes and with the storage of the page.
const registration = /^await app.register\(vexaAdmin.*\n/m
const scoped = scopes.match(registration)?.[0].replace('scopes: [', 'storage, scopes: [') ?? ''
const start = mount.replace(listen, '').replace('{ logger: true }', '').replace(registration, scoped)
const wholeApp = start + scopes.replace(registration, '') + services + prune + `
  const headers = { authorization: 'Bearer ' + token }
  const ask = async (method, url) => (await app.inject({ method, url, headers })).json()
  console.log(JSON.stringify([verification.valid, await ask('GET', '/me'), await ask('POST', '/bots'), deleted]))
  await app.close()`

t.test('README: its programs form one app that runs over SQLite', async (t) => {
  t.match(mount, listen)
  const program = sqlite.replace('/var/lib/my-app/admin.db', ':memory:') + wholeApp
  const [valid, me, bots, deleted] = await outputOf(t, program)
  t.equal(valid, true)
  t.match(me, { id: 'user-1', email: 'jane@example.com' })
  t.same(bots, { startedBy: 'user-1', with: 'token-1' })
  t.equal(deleted, 0)
})

for (const [database, program] of [['postgres', postgres], ['mysql', mysql]] as const) {
  const skip = await unavailable(database)

  t.test(`README: its programs form one app over ${database}, migrated before`, { skip }, async (t) => {
    const tablePrefix = tablePrefixAt(emptyPlace(t, database))
    const withOptions = (program: string, options: string) =>
      program.replace(/(dialect: new \w+Dialect\({ pool }\)) }/, `$1, tablePrefix: '${tablePrefix}'${options} }`)
    const env = { POSTGRES_URL: postgresUrl, MYSQL_URL: mysqlUrl }
    const dialect = database === 'mysql' ? 'new MysqlDialect({ pool })' : 'new PostgresDialect({ pool })'
    const migrating = program.replace(/const storage = .*/, '') +
      migrate.replace('{ KyselyStorage, ', '{ ').replace('{ dialect }', `{ dialect: ${dialect} }`)
    const versions = '; console.log(JSON.stringify([from, to]))'
    t.same(await outputOf(t, withOptions(migrating, '') + versions, env), [0, schemaVersion])
    const [valid, me] = await outputOf(t, withOptions(program, ', migrate: false') + wholeApp, env)
    t.equal(valid, true)
    t.match(me, { id: 'user-1', email: 'jane@example.com' })
  })
}

t.test('guide: the test of a route passes', async (t) => {
  const directory = t.testdir({ 'routes.test.mts': testRoutes })
  const child = run(t, relative(root, `${directory}/routes.test.mts`))
  t.equal(await child.exit, 0, child.output())
  t.match(child.output(), /pass 1\s/)
})

t.test('guide: `authorize` accepts a trusted origin, and names the actor', async (t) => {
  const program = `import { subscribe } from 'node:diagnostics_channel'
    ${plainApp}
    const findAdmin = async (cookie) => cookie && { email: 'jane@example.com' }, actors = []
    subscribe('fastify-vexa-admin:user:created', ({ actor }) => actors.push(actor))
    ${authorize.replace('trustedOrigins', `storage: ${inMemory}, trustedOrigins`)}
    const request = { method: 'POST', url: '/admin/users', payload: { email: 'a@example.com' } }
    const create = async (headers) => (await app.inject({ ...request, headers })).statusCode
    const origin = 'https://admin.example', cookie = 'session=1'
    const statuses = []
    const requests = [{ origin }, { cookie, origin: 'https://evil.example' }, { cookie, origin }]
    for (const headers of requests) statuses.push(await create(headers))
    console.log(JSON.stringify([...statuses, actors]))
    await app.close()`
  t.same(await outputOf(t, program), [401, 403, 201, ['jane@example.com']])
})

t.test('guide: each of its admin keys has its permissions alone', async (t) => {
  const program = `${plainApp}
    ${adminKeys.replace('adminKeys', `storage: ${inMemory}, adminKeys`)}
    const statuses = []
    for (const key of ['OPS', 'GATEWAY', 'SUPPORT'].map((name) => 'the-key-' + name + '-for-the-tests')) {
      for (const [method, url] of [['GET', '/users'], ['DELETE', '/users/user-1'], ['POST', '/tokens/verify']]) {
        const headers = { 'x-admin-api-key': key }
        statuses.push((await app.inject({ method, url: '/admin' + url, headers })).statusCode)
      }
    }
    console.log(JSON.stringify(statuses))
    await app.close()`
  const env = {
    OPS_KEY: 'the-key-OPS-for-the-tests',
    GATEWAY_KEY: 'the-key-GATEWAY-for-the-tests',
    SUPPORT_KEY_SHA256: createHash('sha256').update('the-key-SUPPORT-for-the-tests').digest('hex')
  }
  t.same(await outputOf(t, program, env), [200, 404, 400, 403, 403, 400, 200, 404, 403])
})

t.test('guide: GET /health returns 200, and 503 when the storage does not answer', async (t) => {
  const program = `${plainApp}
    const storage = ${inMemory}
    const findTokenByHash = storage.findTokenByHash.bind(storage)
    let away = false
    storage.findTokenByHash = (hash) => { if (away) throw new Error('away'); return findTokenByHash(hash) }
    await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY, storage })
    ${health}
    const ask = async () => (await app.inject('/health')).statusCode
    const before = await ask()
    away = true
    console.log(JSON.stringify([before, await ask()]))
    await app.close()`
  t.same(await outputOf(t, program), [200, 503])
})

t.test('guide: the script lists users over the storage of the app', async (t) => {
  const storage = `sqliteStorage({ filename: ${JSON.stringify(emptyPlace(t, 'sqlite').slice('sqlite:'.length))} })`
  const program = `${script.replace('{ openVexaAdmin }', '{ openVexaAdmin, sqliteStorage }')
    .replace('console.log', 'found.push').replace('const {', `const storage = ${storage}, found = []
      const first = await openVexaAdmin({ storage: ${storage} })
      await first.users.create({ email: 'jane@example.com' })
      await first.users.create({ email: 'jane@other.example' })
      await first.close()
      const {`)}
    console.log(JSON.stringify(found))`
  t.same(await outputOf(t, program), ['jane@example.com'])
})

t.test('guide: the commands create a user and a token, show both in the trail, and copy them', async (t) => {
  const loader = import.meta.resolve('./support/typescript.js')
  const npx = `npx () { shift; '${process.execPath}' '--import=${loader}' '${root}src/cli/bin.ts' "$@"; }`
  // Without NODE_OPTIONS, through which the test runner would record coverage.
  const options = { cwd: t.testdir(), env: { PATH: process.env.PATH } }
  const runAll = (commands: string) => promisify(execFile)('bash', ['-euc', `${npx}\n${commands}`], options)
  const { stdout } = await runAll(commandLine)
  const actor = `cli:${userInfo().username}`
  t.match(stdout, /^ID\tuser-1\nEMAIL\tjane@example.com\nNAME\tJane Doe\n(.*\n)*VALID\tyes\n/)
  t.match(stdout, new RegExp(`\ttoken.created\t${actor}\tuser-1\ttoken-1\t(.*\n).*\tuser.created\t${actor}\tuser-1\t`))

  const copied = (await runAll(copyDatabase)).stdout
  t.match(copied, /^Exported 1 user and 1 token to .*\n(.*\n)STATE\tcomplete, a dry run\n(.*\n)*STATE\tcomplete\n/)
  t.match(copied, /USERS\t1 created\nTOKENS\t1 created\nINVALID\t0\n.*\n.*\n$/)
})

t.test('guide: the app with a limit on its stop ends at SIGTERM', async (t) => {
  // One address, because Fastify listens at both of localhost, and may log the first before it has the second.
  const app = mount.replace('port: 3000', "port: 0, host: '127.0.0.1'").replace(listen, `\n${stop}$&`)
  const cwd = t.testdir({ 'app.mts': app })
  const server = run(t, relative(root, `${cwd}/app.mts`), { cwd, env: { ADMIN_API_KEY: adminKey } })
  await server.line(/Server listening/)
  server.process.kill('SIGTERM')
  t.equal(await server.exit, 0, server.output())
})

t.test('guide: a user is deleted when the row of the app fails', async (t) => {
  const program = `import { Kysely, SqliteDialect } from 'kysely'
    import Database from 'better-sqlite3'
    import { KyselyStorage } from 'fastify-vexa-admin'
    ${plainApp}
    const database = new Database(':memory:')
    database.pragma('foreign_keys = on')
    const db = new Kysely({ dialect: new SqliteDialect({ database }) })
    await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY, storage: new KyselyStorage({ db }) })
    const signUp = async (email, plan) => { ${ownRows} }
    const failed = await signUp('jane@example.com', 'pro').catch(({ message }) => message)
    const left = await app.vexaAdmin.users.list()
    database.exec('create table profiles (user_id text, plan text)')
    await signUp('jane@example.com', 'pro')
    console.log(JSON.stringify([failed, left, database.prepare('select * from profiles').all()]))
    await app.close()`
  t.same(await outputOf(t, program), ['no such table: profiles', [], [{ user_id: 'user-2', plan: 'pro' }]])
})

t.test('guide: the OpenAPI document has all routes, and a subscriber gets the event', async (t) => {
  const started = openapi.replace(listen, '').replace('securitySchemes }', 'securitySchemes, sqliteStorage }')
    .replace('process.env.ADMIN_API_KEY', `process.env.ADMIN_API_KEY, storage: ${inMemory}`)
  const program = started + audit.replace('console.log(', 'heard.push(') + `
    var heard
    heard = []
    await app.vexaAdmin.users.create({ email: 'jane@example.com' })
    const { statusCode } = await app.inject('/docs')
    const { paths } = app.swagger()
    const { security } = paths['/me'].get
    console.log(JSON.stringify([statusCode, Object.keys(paths).length, security, heard.map(JSON.parse)]))
    await app.close()`
  const event = { event: 'fastify-vexa-admin:user:created', prefix: '/admin', userId: 'user-1' }
  const { paths } = JSON.parse(readFileSync(`${root}examples/openapi.json`, 'utf8'))
  // The app has /me in place of /audit.
  const expected = Object.keys(paths).length
  t.same(await outputOf(t, program), [200, expected, [{ apiToken: [] }, { bearerToken: [] }], [event]])
})

t.test('guide: its statement sets a sequence after a restore', { skip: await unavailable('postgres') }, async (t) => {
  const place = emptyPlace(t, 'postgres')
  const storage = storageAt(place)
  await storage.open()
  t.teardown(() => storage.close())
  const { db, prefix } = backDoor(t, place)
  const created = new Date()
  // A backup brings a row with its key.
  const user = { email: 'old@example.com', max_concurrent_bots: 3 }
  const row = { ...user, id: 7, disabled: false, revision: 0, created_at: created }
  await db.insertInto(`${prefix}users`).values(row).execute()
  for (const table of ['vexa_users', 'vexa_tokens']) {
    await sql.raw(setSequence.replaceAll('vexa_users', table).replaceAll('vexa_', prefix)).execute(db)
  }
  const common = { name: null, data: null, created_at: created.toISOString() }
  t.match(await storage.createUser({ ...common, ...user, email: 'new@example.com' }), { id: '8' })
  const token = { ...common, user_id: '8', hash: Buffer.alloc(32), scopes: null, expires_in: null, expires_at: null }
  t.match(await storage.createToken({ ...token, disabled: false, start: null }), { id: '1' })
})

t.test('README: TypeScript accepts each program', async (t) => {
  const app = `import type { FastifyInstance } from 'fastify'
    import vexaAdmin from 'fastify-vexa-admin'
    declare const app: FastifyInstance
`
  const findAdmin = 'declare const findAdmin: (cookie?: string) => Promise<{ email: string } | undefined>\n'
  const dialect = "import type { Dialect } from 'kysely'\ndeclare const dialect: Dialect\n"
  const profiles = `import type { Kysely } from 'kysely'
    declare const db: Kysely<{ profiles: { user_id: string, plan: string } }>
    declare const email: string, plan: string
`
  const files = {
    mount,
    scopes: app + scopes,
    services: app + services + 'export default verification',
    authorize: app + findAdmin + authorize,
    'admin-keys': app + adminKeys,
    health: app + health,
    script: sqlite + script,
    stop: app + stop,
    'own-rows': app + profiles + ownRows,
    migrate: dialect + migrate,
    'test-routes': testRoutes,
    openapi,
    audit,
    sqlite,
    postgres,
    mysql
  }
  // A program may declare what only the next one uses.
  const compilerOptions = { rootDir: root, noUnusedLocals: false }
  const directory = t.testdir({
    ...Object.fromEntries(Object.entries(files).map(([name, program]) => [`${name}.mts`, program])),
    'tsconfig.json': JSON.stringify({ extends: `${root}tsconfig.json`, compilerOptions, include: ['*.mts'] })
  })
  const child = run(t, 'test/support/fixtures/check-types.ts', { args: [`${directory}/tsconfig.json`] })
  t.equal(await child.exit, 0, child.output())
})

t.test('README: its table of options has each option of the code', async (t) => {
  const options = Object.keys(resolveOptions({ adminKeys: adminKey }))
  t.same(firstColumn(readme, '## Options').sort(), [...options, 'authorize'].sort())
})

t.test('README: its table of errors and that of the guide have each code', async (t) => {
  const codesIn = (page: string, heading: string) =>
    [...tableBelow(page, heading).matchAll(/`(VEXA_ADMIN_ERR_\w+)`/g)].map(([, code]) => code as string)
  const codes = Object.entries(api).filter(([name]) => name.endsWith('Error'))
    .map(([, make]) => new (make as new (...args: unknown[]) => { code: string })({}).code)
  t.same([...codesIn(readme, '## Errors'), ...codesIn(guide, '## When the start fails')].sort(), codes.sort())
})

t.test('README: its table of routes has each route of the code', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => { routes.push(`${method} ${url.replace('/admin', '')}`) })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: sqliteStorage({ filename: ':memory:' }), audit: true })
  const documented = routes.filter((route) => !route.startsWith('HEAD') && !route.includes('*') && !route.includes(','))
  t.same(firstColumn(readme, '## Routes').sort(), documented.sort())
})

t.test('guide: its table of events has each event of the code', async (t) => {
  t.same(firstColumn(guide, '### Events'), [...api.auditEvents])
})

for (const [name, page] of [['README.md', readme], ['examples/README.md', guide]] as const) {
  t.test(`${name}: each link to a heading has its heading`, async (t) => {
    const pages = new Map([['', page], ['examples/README.md', guide], ['../README.md', readme]])
    for (const [, path = '', anchor = ''] of page.matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
      const headings = [...(pages.get(path) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
      t.ok(headings.map(toAnchor).includes(anchor), `${path}#${anchor}`)
    }
  })
}

/** Returns the anchor that GitHub gives to a heading. */
function toAnchor (heading: string): string {
  return heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')
}

/** Returns the first table below a heading. */
function tableBelow (page: string, heading: string): string {
  const section = page.slice(page.indexOf(`${heading}\n`))
  return /(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''
}

/** Returns the names in backticks in the first column of the first table below a heading. */
function firstColumn (page: string, heading: string): string[] {
  return [...tableBelow(page, heading).matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell as string)
}

function curl (command: string, token: string) {
  const env = { PATH: process.env.PATH, ADMIN_API_KEY: adminKey, TOKEN: token }
  return promisify(execFile)('bash', ['-c', command.replace(/^curl/, 'curl --silent')], { env })
}

/**
 * Replaces times and values of tokens, which differ from run to run. Removes `last_used_at`, which is written a few
 * seconds after the use.
 */
function withoutVariables (json: string): string {
  return json.replace(/,"last_used_at":"[^"]+"/g, '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]{12}Z/g, '<time>')
    .replace(/vex_[0-9A-Za-z]{36}/g, '<value>')
    .replace(/"iat":\d+/, '"iat":<seconds>')
    .replace(/"actor":"[^"]+"/g, '"actor":<actor>')
}
