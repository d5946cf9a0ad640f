import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { run } from '../support/child.js'

const bash = async (command: string) => (await promisify(execFile)('bash', ['-c', command])).stdout

async function start (t: Test, env: NodeJS.ProcessEnv = {}) {
  const cwd = t.testdir()
  const child = run(t, 'examples/standalone.ts', { cwd, env: { PORT: String(await freePort()), ...env } })
  const listening = JSON.parse(await child.line(/Server listening/))
  return { child, cwd, url: listening.msg.replace('Server listening at ', '') as string }
}

t.test('standalone: prints its own key once, with a working curl line, when none is set', async (t) => {
  const { child, cwd, url } = await start(t)
  const curl = await child.line(/^curl/).catch(() => '')
  const key = /'X-Admin-API-Key: ([^']+)'/.exec(curl)?.[1] as string
  t.ok(key.length >= 32)
  t.match(JSON.parse(await bash(`${curl} --silent`)), { id: 'user-1', email: 'user@example.com', name: 'John Doe' })
  t.equal((await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })).status, 200)
  t.equal((await fetch(`${url}/admin/users`)).status, 401)
  t.ok(existsSync(join(cwd, 'vexa-admin.db')))
  t.equal(child.output().match(/^ADMIN_API_KEY is not set/gm)?.length, 1)
})

t.test('standalone: reads key, port and file, prints no key, and keeps data after a stop', async (t) => {
  const key = 'a-key-from-the-environment'
  const file = join(t.testdir(), 'elsewhere.db')
  const env = { ADMIN_API_KEY: key, DATABASE_FILE: file, PORT: String(await freePort()) }
  for (const [signal, expected] of [['SIGTERM', 201], ['SIGINT', 409]] as const) {
    const child = run(t, 'examples/standalone.ts', { env })
    await child.line(/Server listening/)
    const reply = await fetch(`http://127.0.0.1:${env.PORT}/admin/users`, {
      method: 'POST',
      headers: { 'x-admin-api-key': key, 'content-type': 'application/json' },
      body: '{"email":"a@b"}'
    })
    t.equal(reply.status, expected)
    child.process.kill(signal)
    t.equal(await child.exit, 0, `${signal} stops it cleanly`)
    t.notMatch(child.output(), key)
    t.notOk(existsSync(`${file}-wal`), 'the database was closed')
  }
})

t.test('standalone: ends with one sentence when the key is too short', async (t) => {
  const child = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: 'short' } })
  t.equal(await child.exit, 1)
  t.match(child.output(), /adminKeys.*at least 16 printable ASCII characters.*openssl rand -hex 32/)
})

t.test('standalone: ends with one sentence when the port is taken or the file unusable', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  for (const [env, sentence] of [
    [{ PORT: String(port) }, /^Cannot start: .*address already in use 127\.0\.0\.1:\d+$/m],
    [{ DATABASE_FILE: '/nowhere/at/all.db', PORT: '0' }, /^Cannot start: .*SQLite cannot open \/nowhere\/at\/all\.db/m]
  ] as const) {
    const child = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env })
    t.equal(await child.exit, 1)
    t.match(child.output(), sentence)
    t.notMatch(child.output(), /^ +at /m, 'no stack')
  }
})

t.test('standalone: / leads to the console, whose tokens have a start, and changes are audited', async (t) => {
  const key = 'a-key-from-the-environment'
  const { child, url } = await start(t, { ADMIN_API_KEY: key })
  t.equal(await child.line(/^The console/), `The console is at ${url}/admin/console/`)
  const page = await fetch(url)
  t.same([page.status, page.url], [200, `${url}/admin/console/`])
  const headers = { 'x-admin-api-key': key, 'content-type': 'application/json' }
  const api = async (path: string, body?: object) => (await fetch(`${url}/admin/${path}`, {
    headers, ...body && { method: 'POST', body: JSON.stringify(body) }
  })).json()
  t.match(await api('users', { email: 'jane@example.com' }), { id: 'user-1' })
  t.match(await api('users/user-1/tokens', {}), { start: /^vex_\w{4}$/ })
  t.match(await api('audit'), [{ action: 'token.created' }, { action: 'user.created' }])
})

t.test('standalone: serves a page to try the API, and the OpenAPI document', async (t) => {
  const { child, url } = await start(t)
  t.equal(await child.line(/^Try the API/), `Try the API at ${url}/docs`)
  t.match(await (await fetch(`${url}/docs`)).text(), /<div id="swagger-ui">/)
  t.match(await (await fetch(`${url}/docs/json`)).json(), {
    openapi: '3.1.0',
    paths: { '/admin/users': {} },
    components: { securitySchemes: { adminKey: {} } }
  })
})

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
