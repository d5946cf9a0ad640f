import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { hear } from '../support/hear.js'
import { build, call } from '../support/helpers.js'

const rejected = {
  statusCode: 403,
  code: 'VEXA_ADMIN_ERR_CROSS_ORIGIN',
  error: 'Forbidden',
  message: 'The request comes from a page of another origin: use a page of this host, add the origin of the page to ' +
    'the option `trustedOrigins`, or set `trustProxy` of Fastify if a proxy changes the Host header'
}

const byCookie: Partial<VexaAdminOptions> = { authorize: ({ headers }) => headers.cookie === 'session=admin' }

/** Sends a change with the cookie of an admin to admin.example. */
const change = (app: FastifyInstance, headers: Record<string, string | string[]>) =>
  app.inject({
    method: 'POST',
    url: '/admin/users/user-1/tokens',
    headers: { cookie: 'session=admin', host: 'admin.example', ...headers }
  })

async function withUser (t: Test, ...[options, server]: [Partial<VexaAdminOptions>?, Parameters<typeof build>[2]?]) {
  const app = await build(t, { ...byCookie, ...options }, server)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  return app
}

t.test('authorize: accepts a change from its own origin or from no browser', async (t) => {
  const app = await withUser(t)
  const own: Array<Record<string, string>> = [
    {},
    { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://admin.example' },
    // A page of its own, behind a proxy that changes the host.
    { 'sec-fetch-site': 'same-origin', origin: 'https://outside.example' },
    { origin: 'https://admin.example' }, { origin: 'http://admin.example' },
    { origin: 'https://admin.example', host: 'admin.example:443' },
    { origin: 'http://admin.example', host: 'ADMIN.example:80' },
    { origin: 'http://admin.example:3000', host: 'admin.example:3000' },
    { origin: 'http://[::1]:3000', host: '[::1]:3000' }
  ]
  for (const headers of own) t.equal((await change(app, headers)).statusCode, 201, JSON.stringify(headers))
})

t.test('authorize: rejects a change from another origin in any spelling', async (t) => {
  const app = await withUser(t)
  const others: Array<Record<string, string | string[]>> = [
    ...[
      'same-site', 'cross-site', '', 'Same-Origin', 'NONE', 'same-origin, cross-site', 'same-origin;q=1',
      '"same-origin"', 'unknown'
    ].map((site) => ({ 'sec-fetch-site': site })),
    { 'sec-fetch-site': ['same-origin', 'same-origin'] },
    { 'sec-fetch-site': 'same-site', origin: 'https://admin.example' },
    ...[
      'https://evil.example', 'https://sister.admin.example', 'https://admin.example.evil.example',
      'https://admin.example:444', 'http://admin.example:443', 'https://admin.example:80',
      'null', '', 'admin.example', '//admin.example', 'https:admin.example', 'https://admin.example/',
      'https://admin.example/path', 'https://admin.example?', 'https://admin.example#',
      'https://ADMIN.example', 'HTTPS://admin.example', 'https://user@admin.example',
      'https://evil.example@admin.example', 'https://admin.example https://evil.example',
      'https://admin.example, https://admin.example',
      ' https://evil.example', 'ftp://admin.example', 'file://', 'chrome-extension://admin.example', 'https://',
      'https://admin.example.', '*'
    ].map((origin) => ({ origin })),
    { origin: ['https://admin.example', 'https://admin.example'] },
    { origin: 'https://admin.example', host: 'admin.example:80' },
    // Only a trusted proxy may name the host.
    { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }
  ]
  for (const headers of others) t.same((await change(app, headers)).json(), rejected, JSON.stringify(headers))
  t.same(await app.vexaAdmin.tokens.list('user-1'), [])
})

t.test('authorize: rejects a cross-origin request on each route that changes', async (t) => {
  const app = await withUser(t, {}, { routerOptions: { ignoreTrailingSlash: true, caseSensitive: false } })
  const { id } = await app.vexaAdmin.tokens.create('user-1')
  const before = await app.vexaAdmin.users.get('user-1')
  const headers = { cookie: 'session=admin', 'sec-fetch-site': 'same-site', origin: 'https://sister.example' }
  for (const [method, url] of [
    ['POST', '/users'], ['PATCH', '/users/user-1'], ['DELETE', '/users/user-1'], ['POST', '/users/user-1/tokens'],
    ['DELETE', '/users/user-1/tokens'],
    ['DELETE', `/tokens/${id}`], ['POST', `/tokens/${id}/rotate`], ['POST', '/tokens/verify'], ['post', '/USERS/'],
    ['DELETE', `/users/${'1'.repeat(200)}`]
  ] as const) {
    t.same((await app.inject({
      method: method as 'POST',
      url: `/admin${url}`,
      headers
    })).json(), rejected, `${method} ${url}`)
  }
  for (const method of ['GET', 'HEAD'] as const) {
    t.equal((await app.inject({ method, url: '/admin/users', headers })).statusCode, 200, `${method} changes nothing`)
  }
  t.same(await app.vexaAdmin.users.get('user-1'), before)
})

t.test('authorize: rejects a cross-origin request before it asks the app', async (t) => {
  let asked = 0
  const app = await build(t, { authorize: () => { asked++; return true } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write([
    'POST /admin/users HTTP/1.1', 'Host: localhost', 'Origin: http://evil.example', 'Content-Type: application/json',
    'Content-Length: 1000', '', ''
  ].join('\r\n'))
  const [reply] = await once(socket, 'data')
  t.match(String(reply), /^HTTP\/1.1 403 /)
  socket.destroy()
  t.equal(asked, 0)
})

t.test('trustedOrigins: accepts their changes, and those of no similar origin', async (t) => {
  const trustedOrigins = ['https://console.example', 'http://localhost:5173']
  const app = await withUser(t, { trustedOrigins })
  trustedOrigins.push('https://later.example')
  for (const origin of trustedOrigins.slice(0, 2)) {
    for (const site of [undefined, 'same-site', 'cross-site']) {
      t.equal((await change(app, { origin, ...(site && { 'sec-fetch-site': site }) })).statusCode, 201, origin)
    }
  }
  for (const origin of [
    'https://later.example', 'http://console.example', 'https://console.example:8443', 'https://console.example/',
    'https://CONSOLE.example', 'https://x.console.example',
    'https://console.example, https://evil.example', 'http://localhost', 'http://localhost:51730', 'null'
  ]) t.equal((await change(app, { origin })).statusCode, 403, origin)
  t.equal((await change(app, { origin: ['https://console.example', 'https://console.example'] })).statusCode, 403)
  t.equal((await change(app, {
    origin: 'https://console.example',
    cookie: 'session=x'
  })).statusCode, 401, 'and asks `authorize` all the same')
})

t.test('trustProxy: the origin is compared with X-Forwarded-Host', async (t) => {
  const app = await withUser(t, {}, { trustProxy: true })
  const inside = { host: '10.0.0.7:3000', 'x-forwarded-host': 'admin.example' }
  t.equal((await change(app, { ...inside, origin: 'https://admin.example' })).statusCode, 201)
  t.equal((await change(app, { ...inside, origin: 'https://evil.example' })).statusCode, 403)
  t.equal((await change(app, { ...inside, origin: 'http://10.0.0.7:3000' })).statusCode, 403)
})

t.test('adminKeys: accepts a page of any origin that sends the key', async (t) => {
  const app = await build(t)
  const headers = { origin: 'https://console.example', 'sec-fetch-site': 'cross-site' }
  t.equal((await call(app, 'POST', '/admin/users', { headers, payload: { email: 'a@b' } })).statusCode, 201)
})

t.test('admin:rejected: is published for a cross-origin request', async (t) => {
  const heard = hear(t, 'fastify-vexa-admin:admin:rejected')
  const app = Fastify({ genReqId: () => 'it' })
  t.teardown(() => app.close())
  app.setErrorHandler((error: { code: string }, _request, reply) => reply.code(418).send({ mine: error.code }))
  await app.register(vexaAdmin, { authorize: () => true, storage: emptyStorage(t) })
  const reply = await change(app, { origin: 'https://evil.example' })
  t.same([
    reply.statusCode, reply.json(), reply.headers['cache-control']
  ], [418, { mine: 'VEXA_ADMIN_ERR_CROSS_ORIGIN' }, 'no-store'])
  t.same(heard, [{
    prefix: '/admin',
    requestId: 'it',
    method: 'POST',
    route: '/admin/users/:id/tokens',
    ip: '127.0.0.1',
    reason: 'CROSS_ORIGIN'
  }])
})
