import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { run } from '../child.js'

const bash = async (command: string) => (await promisify(execFile)('bash', ['-c', command])).stdout

async function start (t: Test, env: NodeJS.ProcessEnv = {}) {
  const cwd = t.testdir()
  const child = run(t, 'examples/standalone.ts', { cwd, env: { PORT: String(await freePort()), ...env } })
  const listening = JSON.parse(await child.line(/Server listening/))
  return { child, cwd, url: listening.msg.replace('Server listening at ', '') as string }
}

t.test('with nothing configured it makes a key for this run, and prints it once with a curl line that works', async (t) => {
  const { child, cwd, url } = await start(t)
  const curl = await child.line(/^curl/).catch(() => '')
  const key = /'X-Admin-API-Key: ([^']+)'/.exec(curl)?.[1] as string
  t.ok(key.length >= 32)
  t.match(JSON.parse(await bash(`${curl} --silent`)), { id: 'user-1', email: 'user@example.com', name: 'John Doe' })
  t.equal((await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })).status, 200)
  t.equal((await fetch(`${url}/admin/users`)).status, 401)
  t.ok(existsSync(join(cwd, 'vexa-admin.db')))
  t.equal(child.output().split('\n').filter((line) => line.startsWith('ADMIN_API_KEY is not set')).length, 1)
})

t.test('key, port and file come from the environment, the key is not printed, and data outlives a restart', async (t) => {
  const key = 'a-key-from-the-environment'
  const file = join(t.testdir(), 'elsewhere.db')
  const env = { ADMIN_API_KEY: key, DATABASE_FILE: file, PORT: String(await freePort()) }
  for (const [signal, expected] of [['SIGTERM', 201], ['SIGINT', 409]] as const) {
    const child = run(t, 'examples/standalone.ts', { env })
    await child.line(/Server listening/)
    const reply = await fetch(`http://127.0.0.1:${env.PORT}/admin/users`, {
      method: 'POST', headers: { 'x-admin-api-key': key, 'content-type': 'application/json' }, body: '{"email":"a@b"}'
    })
    t.equal(reply.status, expected)
    child.process.kill(signal)
    t.equal(await child.exit, 0, `${signal} stops it cleanly`)
    t.notMatch(child.output(), key)
    t.notOk(existsSync(`${file}-wal`), 'the database was closed')
  }
})

t.test('a key that is too short stops the start with a sentence', async (t) => {
  const child = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: 'short' } })
  t.equal(await child.exit, 1)
  t.match(child.output(), /adminKeys.*at least 16 printable ASCII characters.*openssl rand -hex 32/)
})

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
