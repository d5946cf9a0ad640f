import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fingerprintAdminKey } from '../../src/index.js'
import { run } from '../support/child.js'

t.test('audit-log: the file has each event before the reply, and no secret', async (t) => {
  const key = 'a-key-from-the-environment'
  const directory = t.testdir()
  const env = { ADMIN_API_KEY: key, AUDIT_LOG: 'audit.log', PORT: '0' }
  const child = run(t, 'examples/audit-log.ts', { cwd: directory, env })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  const log = () => readFileSync(join(directory, 'audit.log'), 'utf8')
  const admin: Record<string, string> = { 'x-admin-api-key': key }
  const ask = (method: string, path: string, headers = admin, body?: string) => fetch(url + path, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body })
  })

  await ask('POST', '/admin/users', undefined, '{"email":"a@b","name":"Jane"}')
  const { token } = await (await ask('POST', '/admin/users/user-1/tokens')).json() as { token: string }
  t.equal((await ask('GET', '/me', { 'x-api-key': token })).status, 200)
  await ask('DELETE', '/admin/tokens/token-1')
  t.equal((await ask('GET', '/me', { 'x-api-key': token })).status, 401)
  t.equal((await ask('GET', '/admin/users', { 'x-admin-api-key': `${key}x` })).status, 401)

  const lines = log().trim().split('\n').map((line) => JSON.parse(line))
  t.match(lines, [
    {
      event: 'fastify-vexa-admin:user:created',
      userId: 'user-1',
      actor: fingerprintAdminKey(key),
      ip: '127.0.0.1',
      requestId: 'req-1'
    },
    { event: 'fastify-vexa-admin:token:created', tokenId: 'token-1', userId: 'user-1' },
    { event: 'fastify-vexa-admin:token:revoked', tokenId: 'token-1' },
    { event: 'fastify-vexa-admin:token:rejected', reason: 'NOT_FOUND', route: '/me', ip: '127.0.0.1' },
    { event: 'fastify-vexa-admin:admin:rejected', route: '/admin/users' }
  ])
  t.equal(lines.length, 5)
  t.ok(lines.every(({ time }) => Date.parse(time) <= Date.now()))
  for (const secret of [key, token, 'Jane', 'a@b']) t.notOk(log().includes(secret))
  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
})
