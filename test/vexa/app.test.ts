import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t from 'tap'
import vexaAdmin from '../../src/index.js'
import { storageMethodNames, type StorageAdapter } from '../../src/storage/storage-adapter.js'
import { vexaCompatibility } from '../../src/vexa/index.js'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage, throwing } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { buildVexa, callInternal, callUser, callVexa, createUser, vexaKeys, vexaSettings } from '../support/vexa.js'

t.test('app: its error handler, serializer, parsers and hooks do not reach the routes of Vexa', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.setErrorHandler(async (error: Error) => ({ mine: error.message }))
  app.setReplySerializer(() => 'nothing')
  app.addContentTypeParser('application/json', (_request, _payload, done) => done(new Error('no')))
  await app.register(vexaAdmin, { ...vexaSettings, storage: emptyStorage(t) })
  app.addHook('onRequest', app.vexaAdmin.requireToken())
  await app.register(vexaCompatibility, vexaKeys)
  const created = await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com' })
  t.equal(created.statusCode, 201)
  t.equal(created.headers['cache-control'], 'no-store')
  t.match(created.headers['content-type'], 'application/json')
  t.same((await callVexa(app, 'GET', '/admin/users/9')).json(), { detail: 'User not found' })
})

t.test('app: the routes of Vexa leave its own routes alone', async (t) => {
  const app = await buildVexa(t)
  app.get('/fails', async () => { throw new Error('mine') })
  app.post('/echo', async (request) => request.body)
  t.match((await app.inject('/fails')).json(), { statusCode: 500, message: 'mine' })
  t.match((await app.inject('/nothing')).json(), { statusCode: 404 })
  const reply = await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })
  t.same(reply.json(), { a: 1 })
  t.equal(reply.headers['cache-control'], undefined)
})

t.test('app: its routes for / and /health stay', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/', async () => 'home')
  app.get('/health', async () => 'healthy')
  await app.register(vexaAdmin, { ...vexaSettings, storage: emptyStorage(t) })
  await app.register(vexaCompatibility, vexaKeys)
  t.equal((await app.inject('/')).body, 'home')
  t.equal((await app.inject('/health')).body, 'healthy')
})

t.test('app: may ignore slashes at the end of paths', async (t) => {
  for (const server of [{ ignoreTrailingSlash: true }, { routerOptions: { ignoreTrailingSlash: true } }]) {
    const app = await buildVexa(t, {}, {}, server)
    for (const url of ['/admin/users', '/admin/users/']) t.equal((await callVexa(app, 'GET', url)).statusCode, 200)
  }
})

t.test('app: two registrations live side by side, each with its own key', async (t) => {
  const app = await buildVexa(t)
  await app.register(vexaCompatibility, { adminKey: 'the-second-key-of-vexa', shape: '0.12', prefix: '/second' })
  await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com' })
  const url = '/second/admin/users/1'
  t.equal((await callVexa(app, 'GET', url)).statusCode, 403)
  t.notOk('created_at' in (await app.inject({ url, headers: { 'x-admin-api-key': 'the-second-key-of-vexa' } })).json())
})

t.test('app: its OpenAPI document does not show the routes of Vexa', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'app', version: '1' } },
    transform: () => { throw new Error('called') }
  })
  await app.register(vexaAdmin, { ...vexaSettings, storage: emptyStorage(t) })
  await app.register(vexaCompatibility, vexaKeys)
  await app.ready()
  const paths = Object.keys(app.swagger().paths ?? {})
  t.ok(paths.length > 0)
  t.same(paths.filter((path) => !path.startsWith('/api/admin/')), [])
})

t.test('methods: another method of a known path gets 405, with or without a key', async (t) => {
  const app = await buildVexa(t)
  for (const [method, url, allow] of [
    ['DELETE', '/admin/users/1', 'GET, PATCH'], ['PUT', '/admin/users', 'GET, POST'],
    ['POST', '/admin/tokens/1/', 'DELETE'], ['GET', '/internal/validate', 'POST']
  ] as const) {
    const reply = await app.inject({ method, url, payload: 'any' })
    t.same([reply.statusCode, reply.headers.allow, reply.json()], [405, allow, { detail: 'Method Not Allowed' }], url)
  }
  const headers = { 'x-admin-api-key': vexaKeys.adminKey }
  const head = await app.inject({ method: 'HEAD', url: '/admin/users/1', headers })
  t.equal(head.statusCode, 404)
})

t.test('storage: an outage is a 503 on each route, and never a 401', async (t) => {
  const methods: Partial<StorageAdapter> = {}
  const app = await buildVexa(t, {}, { storage: faultyStorage(emptyStorage(t), methods) })
  const { id, token } = await createUser(app, 'jane@example.com')
  for (const name of storageMethodNames) if (!/^(open|close)$/.test(name)) methods[name] = throwing() as never
  const replies = [
    await callVexa(app, 'GET', '/admin/users'),
    await callVexa(app, 'POST', '/admin/users', { email: 'a@example.com' }),
    await callVexa(app, 'GET', `/admin/users/${id}`),
    await callVexa(app, 'PATCH', `/admin/users/${id}`, { name: 'x' }),
    await callVexa(app, 'GET', '/admin/users/email/jane@example.com'),
    await callVexa(app, 'POST', `/admin/users/${id}/tokens`),
    await callVexa(app, 'GET', `/admin/users/${id}/tokens`),
    await callVexa(app, 'DELETE', '/admin/tokens/1'),
    await callVexa(app, 'GET', '/admin/analytics/users'),
    await callInternal(app, 'POST', '/internal/validate', { token }),
    await callInternal(app, 'GET', '/internal/instance'),
    await callInternal(app, 'POST', '/internal/bootstrap-admin', { user_id: id }),
    await callInternal(app, 'GET', `/internal/users/${id}/memberships`),
    await callInternal(app, 'POST', `/internal/users/${id}/memberships`, { workspace_id: 'w' }),
    await callUser(app, token, 'GET', '/user/webhook'),
    await callUser(app, token, 'PUT', '/user/webhook', { webhook_url: 'https://example.com' })
  ]
  for (const reply of replies) {
    t.same([reply.statusCode, reply.headers['retry-after'], reply.json()],
      [503, '1', { detail: 'Storage cannot answer now' }])
  }
})

t.test('storage: an outage in the middle of a list breaks the reply off', async (t) => {
  const methods: Partial<StorageAdapter> = {}
  const storage = emptyStorage(t)
  const app = await buildVexa(t, {}, { storage: faultyStorage(storage, methods) })
  for (let i = 0; i < 101; i++) await app.vexaAdmin.users.create({ email: `${i}@example.com` })
  const address = await app.listen({ port: 0 })
  const list = async () => {
    const reply = await fetch(`${address}/admin/users?limit=200`, { headers: { 'x-admin-api-key': vexaKeys.adminKey } })
    return (await reply.json() as unknown[]).length
  }
  t.equal(await list(), 101)
  methods.listUsers = async (page) => {
    if (page.after !== undefined) throw new Error('down')
    return storage.listUsers(page)
  }
  await t.rejects(list())
})

t.test('errors: a fault of the app is a 500 without details, and is in the log', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  let thrown: unknown = new Error('a secret of the app')
  app.addHook('onRequest', async () => { throw thrown })
  await app.register(vexaAdmin, { ...vexaSettings, storage: emptyStorage(t) })
  await app.register(vexaCompatibility, vexaKeys)
  const reply = await callVexa(app, 'GET', '/admin/users')
  t.same([reply.statusCode, reply.json()], [500, { detail: 'Internal Server Error' }])
  t.match(lines.join(''), /"level":50.*a secret of the app/)
  for (const [error, status, detail] of [
    [Object.assign(new Error('Too many'), { statusCode: 429 }), 429, 'Too many'],
    [{ statusCode: 418 }, 418, "I'm a Teapot"],
    [{ statusCode: 499 }, 499, 'Error'],
    [{ statusCode: 200 }, 500, 'Internal Server Error'],
    [Object.assign(new Error(), { statusCode: 503, code: 'FST_ERR_HANDLER_TIMEOUT' }), 503, 'Storage cannot answer now']
  ] as const) {
    thrown = error
    const reply = await callVexa(app, 'GET', '/admin/users')
    t.same([reply.statusCode, reply.json()], [status, { detail }])
  }
})

t.test('events: name the holder of the key, and each rejected request', async (t) => {
  const created = hear(t, 'fastify-vexa-admin:user:created', 'fastify-vexa-admin:user:updated')
  const rejected = hear(t, 'fastify-vexa-admin:admin:rejected', 'fastify-vexa-admin:token:rejected')
  const app = await buildVexa(t, { prefix: '/vexa' })
  const { id } = (await callVexa(app, 'POST', '/vexa/admin/users', { email: 'jane@example.com' })).json()
  const { token } = (await callVexa(app, 'POST', `/vexa/admin/users/${id}/tokens`)).json()
  await callInternal(app, 'POST', `/vexa/internal/users/${id}/memberships`, { workspace_id: 'w' })
  await callUser(app, token, 'PUT', '/vexa/user/webhook', { webhook_url: 'https://example.com' })
  t.match(created, [{ actor: /^[0-9a-f]{8}$/ }, { actor: /^[0-9a-f]{8}$/ }, { actor: 'user-1' }])
  t.not(created[0]?.actor, created[1]?.actor)
  await app.inject('/vexa/admin/users')
  await app.inject({ url: '/vexa/internal/instance', headers: { 'x-internal-secret': 'wrong' } })
  await callUser(app, '', 'GET', '/vexa/user/webhook')
  await callUser(app, 'wrong', 'GET', '/vexa/user/webhook')
  t.match(rejected, [
    { prefix: '/vexa', route: '/vexa/admin/users', reason: 'UNAUTHORIZED' },
    { route: '/vexa/internal/instance', reason: 'UNAUTHORIZED' },
    { route: '/vexa/user/webhook', reason: 'MISSING' },
    { route: '/vexa/user/webhook', reason: 'NOT_FOUND' }
  ])
})
