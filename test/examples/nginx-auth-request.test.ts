import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import t from 'tap'
import { root, run } from '../support/child.js'
import { skipNginx, startNginx } from '../support/nginx.js'
import { freePort } from '../support/servers.js'

const key = 'a-key-from-the-environment'
const example = readFileSync(`${root}examples/nginx-auth-request.conf`, 'utf8')

t.test('nginx-auth-request: nginx passes on only requests with a valid token', { skip: skipNginx }, async (t) => {
  const child = run(t, 'examples/nginx-auth-request.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0' } })
  const app = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '') as string
  const passed: Array<{ headers: Record<string, unknown>, body: unknown }> = []
  const service = Fastify()
  t.teardown(() => service.close())
  service.all('*', async ({ headers, body, url }, reply) => {
    passed.push({ headers, body })
    return reply.code(url === '/broken' ? 500 : 200).send({ url })
  })
  const [, serviceAddress] = (await service.listen({ port: 0, host: '127.0.0.1' })).split('//')
  const port = await freePort()
  const front = await startNginx(t, port, example.replace('127.0.0.1:3000', app.replace('http://', ''))
    .replace('127.0.0.1:4000', String(serviceAddress)).replace('127.0.0.1:8080', `127.0.0.1:${port}`))
  t.same(passed, [])

  const admin = async (method: string, path: string, body?: object) => {
    const reply = await fetch(`${app}/admin/${path}`, {
      method,
      headers: { 'x-admin-api-key': key, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    })
    return await reply.json().catch(() => undefined) as { id: string, token: string }
  }
  const { id } = await admin('POST', 'users', { email: 'user@example.com' })
  const { token, id: tokenId } = await admin('POST', `users/${id}/tokens`)
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(front + path, { ...init, headers })

  for (const headers of [{ 'x-api-key': token }, { authorization: `Bearer ${token}` }] as Array<{}>) {
    const reply = await ask('/jobs?n=1', { ...headers, 'x-user-id': 'user-99', 'content-type': 'application/json' }, {
      method: 'POST', body: '{"a":1}'
    })
    t.equal(reply.status, 200)
    t.same(await reply.json(), { url: '/jobs?n=1' })
    const [{ headers: seen, body } = { headers: {}, body: {} }] = passed.splice(0)
    t.equal(seen['x-user-id'], id, 'a client cannot set the user')
    t.notOk(seen['x-api-key'] ?? seen.authorization, 'the service gets no token')
    t.same(body, { a: 1 })
  }
  t.equal((await ask('/broken', { 'x-api-key': token })).status, 500, 'an error of the service stays as it is')
  passed.length = 0

  const missing = await ask('/jobs')
  t.equal(missing.status, 401)
  t.equal(missing.headers.get('www-authenticate'), 'Bearer realm="api"')
  t.equal((await ask('/jobs', { 'x-api-key': `${token}x` })).status, 401)
  t.equal((await ask('/_token', { 'x-api-key': token })).status, 404, 'the check is internal')
  await admin('PATCH', `users/${id}`, { disabled: true })
  t.equal((await ask('/jobs', { 'x-api-key': token })).status, 403)
  await admin('PATCH', `users/${id}`, { disabled: false })
  t.equal((await ask('/jobs', { 'x-api-key': token })).status, 200)
  passed.length = 0
  await admin('DELETE', `tokens/${tokenId}`)
  t.equal((await ask('/jobs', { 'x-api-key': token })).status, 401)

  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
  const unavailable = await ask('/jobs', { 'x-api-key': token })
  t.equal(unavailable.status, 503)
  t.equal(unavailable.headers.get('retry-after'), '1')
  t.same(passed, [])
})
