import { readFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { skipApache as skip, startApache } from '../support/apache.js'
import { root } from '../support/child.js'
import { emptyStorage } from '../support/databases.js'
import { interceptStorage } from '../support/faulty-storage.js'
import { build } from '../support/helpers.js'
import { send } from '../support/send.js'
import { freePort } from '../support/servers.js'

const example = readFileSync(`${root}examples/apache-introspection.conf`, 'utf8')
const gateway = { name: 'gateway', key: 'a-key-for-only-introspection' }

/** Starts the API, a service, and an Apache with the example, which `edit` may change. */
async function start (t: Test, edit = (lines: string) => lines, { name, key } = gateway) {
  const state = { away: false }
  const storage = interceptStorage(emptyStorage(t), ({ proceed }) => {
    if (state.away) throw new Error('away')
    return proceed()
  })
  const adminKeys = [{ name, key, permissions: ['verify'] as const }]
  const app = await build(t, { storage, tokenCache: false, adminKeys, scopes: ['bot', 'read', 'bot:read'] })
  const { host: api } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))

  const passed: Array<{ url: string, headers: IncomingHttpHeaders, body: unknown }> = []
  const service = Fastify()
  t.teardown(() => service.close())
  service.all('*', async ({ url, headers, body }, reply) => {
    passed.push({ url, headers, body })
    return reply.code(url === '/broken' ? 500 : 200).send({ url })
  })
  const { host } = new URL(await service.listen({ port: 0, host: '127.0.0.1' }))

  const port = await freePort()
  const lines = edit(example).replace('127.0.0.1:3000', api).replace('127.0.0.1:4000', host)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
  const { address, log } = await startApache(t, port, lines, { GATEWAY_KEY: key })
  const agent = new Agent()
  const ask = async (path: string, headers: Record<string, string>, method = 'GET', body?: object) =>
    (await send(agent, method, address + path, headers, body)).status
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  return { app, state, passed, address, log, ask, bearer, ...app.vexaAdmin }
}

t.test('apache-introspection: Apache passes on only requests with a valid token', { skip }, async (t) => {
  const { users, tokens, passed, address, ask, bearer } = await start(t)
  const { id } = await users.create({ email: 'User@example.com' })
  const [{ token }, expired, revoked] = [
    await tokens.create(id), await tokens.create(id, { expires_in: 1 }), await tokens.create(id)
  ]
  t.equal(await ask('/jobs?n=1', { ...bearer(token), 'x-api-key': token }, 'POST', { a: 1 }), 200)
  const [{ url, headers, body } = { url: '', headers: {}, body: {} }] = passed.splice(0)
  t.equal(url, '/jobs?n=1')
  t.same(body, { a: 1 })
  t.match(headers, { 'x-token-sub': id, 'x-token-username': 'user@example.com', 'x-token-jti': 'token-1' })
  t.notMatch(JSON.stringify(headers), token, 'the service gets no token')
  t.equal(await ask('/broken', bearer(token)), 500, 'an error of the service stays as it is')
  t.equal(await ask('/jobs', bearer(revoked.token)), 200)
  passed.length = 0

  const missing = await fetch(`${address}/jobs`)
  t.equal(missing.status, 401)
  t.match(missing.headers.get('www-authenticate'), /^Bearer /)
  for (const method of ['OPTIONS', 'HEAD', 'POST', 'PUT', 'DELETE']) t.equal(await ask('/jobs', {}, method), 401)
  await tokens.revoke(revoked.id)
  t.equal(await ask('/jobs', bearer(revoked.token)), 401, 'a revocation takes effect at once')
  await sleep(1100)
  for (const headers of [
    bearer(expired.token), bearer(`${token}x`), bearer(''), bearer(`${token}, Bearer ${token}`), { 'x-api-key': token },
    { authorization: `Basic ${Buffer.from(`a:${token}`).toString('base64')}` }
  ]) t.equal(await ask('/jobs', headers), 401, JSON.stringify(headers))
  await users.update(id, { disabled: true })
  t.equal(await ask('/jobs', bearer(token)), 401)
  await users.update(id, { disabled: false })
  t.same(passed, [])
  t.equal(await ask('/jobs', bearer(token)), 200)
})

t.test('apache-introspection: a client cannot forge or remove the headers of the user', { skip }, async (t) => {
  const { users, tokens, passed, ask, bearer } = await start(t)
  const { id } = await users.create({ email: 'user@example.com' })
  const limited = await tokens.create(id, { scopes: ['read'] })
  const { token } = await tokens.create(id)
  const forged = Object.fromEntries(['X-Token-sub', 'x_token_sub', 'X-TOKEN_sub', 'X-Token-scope', 'x-token-other']
    .map((name) => [name, 'forged']))
  t.equal(await ask('/jobs', { ...bearer(token), ...forged }), 200)
  t.notMatch(JSON.stringify(passed[0]?.headers), 'forged')
  t.match(passed[0]?.headers, { 'x-token-sub': id, 'x-token-scope': undefined })
  for (const name of ['connection', 'proxy-connection']) {
    for (const value of ['X-Token-scope', 'close, X-Token-scope, x-token-SUB,x-token-username', 'x;x-token-sub;x']) {
      passed.length = 0
      t.equal(await ask('/jobs', { ...bearer(limited.token), [name]: value }), 200)
      const expected = { 'x-token-sub': id, 'x-token-username': 'user@example.com', 'x-token-scope': 'read' }
      t.match(passed[0]?.headers, expected, `${name}: ${value}`)
    }
  }
})

t.test('apache-introspection: some paths need a scope', { skip }, async (t) => {
  const { users, tokens, passed, ask, bearer } = await start(t)
  const { id } = await users.create({ email: 'user@example.com' })
  for (const [scopes, status] of [
    [undefined, 200], [['bot'], 200], [['read', 'bot'], 200], [['bot', 'bot:read'], 200], [['bot:read'], 403],
    [['read'], 403]
  ] as const) {
    passed.length = 0
    const { token } = await tokens.create(id, scopes && { scopes: [...scopes] })
    t.equal(await ask('/jobs', bearer(token)), 200)
    for (const path of ['/bots', '/bots/1', '//bots', '/%62ots', '/jobs/../bots']) {
      t.equal(await ask(path, bearer(token)), status, `${path} ${scopes}`)
    }
    t.equal(passed.length, status === 200 ? 6 : 1)
  }
  t.equal(await ask('/bots', {}), 401)
  t.equal(await ask('/bots', bearer('x')), 401)
})

t.test('apache-introspection: Apache passes on nothing while the API is away', { skip }, async (t) => {
  const { app, state, users, tokens, passed, log, ask, bearer } = await start(t)
  const { id } = await users.create({ email: 'user@example.com' })
  const { token } = await tokens.create(id)
  t.equal(await ask('/jobs', bearer(token)), 200)
  passed.length = 0
  state.away = true
  t.equal(await ask('/jobs', bearer(token)), 401, 'the API returns 503')
  state.away = false
  t.equal(await ask('/jobs', bearer(token)), 200)
  passed.length = 0
  await app.close()
  t.equal(await ask('/jobs', bearer(token)), 401, 'the API does not answer')
  t.match(log(), /introspect \(Couldn't connect to server/, 'the log has the cause')
  for (const secret of [token, gateway.key]) t.notOk(log().includes(secret), 'the log has no secret')
  t.same(passed, [])
})

t.test('apache-introspection: without expiry=0, a revoked token stays valid for a time', { skip }, async (t) => {
  const { users, tokens, ask, bearer } = await start(t, (lines) => lines.replace('&expiry=0', ''))
  const { id } = await users.create({ email: 'user@example.com' })
  const { token, id: tokenId } = await tokens.create(id)
  t.equal(await ask('/jobs', bearer(token)), 200)
  await tokens.revoke(tokenId)
  t.equal(await ask('/jobs', bearer(token)), 200)
})

t.test('apache-introspection: Apache passes on nothing if its key is wrong', { skip }, async (t) => {
  const edit = (lines: string) => lines.replace(/\$\{GATEWAY_KEY\}/, `${gateway.key}x`)
  const { users, tokens, passed, ask, bearer } = await start(t, edit)
  const { id } = await users.create({ email: 'user@example.com' })
  t.equal(await ask('/jobs', bearer((await tokens.create(id)).token)), 401)
  t.same(passed, [])
})

t.test('apache-introspection: the name and the key may have any characters', { skip }, async (t) => {
  const strange = { name: 'my gateway', key: 'a+key/with=%2Bsigns&"more"' }
  const edit = (lines: string) => lines.replace('client_id=gateway', 'client_id=my%20gateway')
    .replace(/\$\{GATEWAY_KEY\}/, encodeURIComponent(strange.key))
  const { users, tokens, ask, bearer } = await start(t, edit, strange)
  const { id } = await users.create({ email: 'user@example.com' })
  t.equal(await ask('/jobs', bearer((await tokens.create(id)).token)), 200)
})
