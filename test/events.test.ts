import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { auditEvents, fingerprintAdminKey, type Token, type User } from '../src/index.js'
import { emptyStorage } from './support/databases.js'
import { adminKey, build, call } from './support/helpers.js'

/** Returns the messages that are published from now on, each with the name of its channel. */
function listen (t: Test) {
  const heard: Array<Record<string, unknown>> = []
  for (const event of auditEvents) {
    const listener = (message: unknown) => {
      heard.push({ event: event.replace('fastify-vexa-admin:', ''), ...message as object })
    }
    subscribe(event, listener)
    t.teardown(() => unsubscribe(event, listener))
  }
  return { take: () => heard.splice(0) }
}

async function createUserWithToken (app: FastifyInstance): Promise<{ user: User, token: Token }> {
  const user = await app.vexaAdmin.users.create({ email: 'a@b' })
  return { user, token: await app.vexaAdmin.tokens.create(user.id, { expires_in: 3600 }) }
}

t.test('events: a change over HTTP names its request, ip and admin key', async (t) => {
  const { take } = listen(t)
  let requests = 0
  const keys = ['another-key-for-the-tests', adminKey]
  const app = await build(t, { adminKeys: keys, prefix: '/internal' }, { genReqId: () => `request-${++requests}` })
  const changes: Array<[Parameters<typeof call>[1], string, object | undefined, object]> = [
    ['POST', '/users', { email: 'a@b', name: 'Secret Name' }, { event: 'user:created', userId: 'user-1' }],
    [
      'PATCH', '/users/user-1', { name: 'Other', data: { a: 1 } },
      { event: 'user:updated', userId: 'user-1', changed: ['name', 'data'] }
    ],
    ['PUT', '/users/user-1/data', { b: 1 }, { event: 'user:updated', userId: 'user-1', changed: ['data'] }],
    ['POST', '/users/user-1/tokens', {}, { event: 'token:created', tokenId: 'token-1', userId: 'user-1' }],
    [
      'PATCH', '/tokens/token-1', { name: 'Secret Name', disabled: false, expires_in: 60, data: { secret: 1 } },
      {
        event: 'token:updated', tokenId: 'token-1', userId: 'user-1', changed: ['name', 'disabled', 'expires_in', 'data']
      }
    ],
    [
      'POST', '/tokens/token-1/rotate', {},
      { event: 'token:rotated', tokenId: 'token-1', successorId: 'token-2', userId: 'user-1' }
    ],
    ['DELETE', '/tokens/token-2', undefined, { event: 'token:revoked', tokenId: 'token-2' }],
    ['DELETE', '/users/user-1/tokens', undefined, { event: 'token:revoked', userId: 'user-1' }],
    ['DELETE', '/users/user-1', undefined, { event: 'user:deleted', userId: 'user-1' }]
  ]
  for (const [method, path, payload, expected] of changes) {
    const { statusCode } = await call(app, method, `/internal${path}`, payload && { payload })
    t.ok(statusCode < 300, `${method} ${path}`)
    t.same(take(), [{
      prefix: '/internal',
      requestId: `request-${requests}`,
      ip: '127.0.0.1',
      actor: fingerprintAdminKey(adminKey),
      ...expected
    }], `${method} ${path}`)
  }
  await app.inject({
    method: 'POST',
    url: '/internal/users',
    headers: { 'x-admin-api-key': keys[0] },
    payload: { email: 'c@d' }
  })
  t.match(take(), [{ event: 'user:created', actor: fingerprintAdminKey(keys[0] as string) }])
})

t.test('events: nothing is published when a request changes nothing', async (t) => {
  const app = await build(t, { duplicateEmail: 'return' })
  await createUserWithToken(app)
  const { take } = listen(t)
  await call(app, 'GET', '/admin/users')
  await call(app, 'GET', '/admin/users/user-1')
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).statusCode, 200)
  for (const url of ['/admin/users/user-9', '/admin/tokens/token-9', '/admin/users/user-9/tokens']) {
    t.equal((await call(app, 'DELETE', url)).statusCode, 404)
  }
  t.equal((await call(app, 'PATCH', '/admin/users/user-9', { payload: { name: 'x' } })).statusCode, 404)
  t.equal((await call(app, 'PUT', '/admin/users/user-9/data', { payload: {} })).statusCode, 404)
  for (const [method, path] of [['PATCH', ''], ['PUT', '/data'], ['DELETE', '']] as const) {
    const options = { payload: {}, headers: { 'if-match': '"9"' } }
    t.equal((await call(app, method, `/admin/users/user-1${path}`, options)).statusCode, 412)
  }
  t.equal((await call(app, 'POST', '/admin/users/user-9/tokens')).statusCode, 404)
  t.equal((await call(app, 'POST', '/admin/tokens/token-9/rotate')).statusCode, 404)
  t.equal((await call(app, 'POST', '/admin/users', { payload: {} })).statusCode, 400)
  t.equal((await call(app, 'PATCH', '/admin/users/user-1', { payload: {} })).statusCode, 200)
  for (const url of ['/admin/tokens', '/admin/tokens/token-1', '/admin/users/user-1/tokens']) {
    t.equal((await call(app, 'GET', url)).statusCode, 200)
  }
  t.equal((await call(app, 'PATCH', '/admin/tokens/token-9', { payload: { name: 'x' } })).statusCode, 404)
  t.equal((await call(app, 'PATCH', '/admin/tokens/token-1', { payload: { name: 1 } })).statusCode, 400)
  t.equal((await call(app, 'PATCH', '/admin/tokens/token-1', { payload: {} })).statusCode, 200)
  const expired = 'state=expired&expired_before=2024-01-01T12:00:00Z'
  t.equal((await call(app, 'DELETE', `/admin/tokens?${expired}`)).statusCode, 200)
  t.same(take(), [])
  await call(app, 'POST', '/admin/tokens/token-1/rotate', { payload: { grace_period: 60 } })
  take()
  t.equal((await call(app, 'POST', '/admin/tokens/token-1/rotate')).statusCode, 409)
  t.same(take(), [])
})

t.test('token:revoked: names the user when the token is revoked by its value', async (t) => {
  const app = await build(t)
  const { token } = await createUserWithToken(app)
  const { take } = listen(t)
  for (let i = 0; i < 2; i++) {
    t.equal((await call(app, 'POST', '/admin/revoke', { payload: { token: token.token } })).statusCode, 200)
  }
  t.match(take(), [{ event: 'token:revoked', tokenId: 'token-1', userId: 'user-1' }])
})

t.test("events: a change by the app's own code has no request, ip or actor", async (t) => {
  const { take } = listen(t)
  const app = await build(t)
  await createUserWithToken(app)
  t.same(take(), [
    { event: 'user:created', prefix: '/admin', userId: 'user-1' },
    { event: 'token:created', prefix: '/admin', tokenId: 'token-1', userId: 'user-1' }
  ])
})

t.test('events: `changed` leaves out members that are undefined', async (t) => {
  const app = await build(t)
  const { user } = await createUserWithToken(app)
  const { take } = listen(t)
  await app.vexaAdmin.users.update(user.id, { disabled: undefined, name: 'x' })
  t.match(take(), [{ event: 'user:updated', changed: ['name'] }])
})

t.test('events: `prefix` names the registration when there are two', async (t) => {
  const { take } = listen(t)
  const app = Fastify()
  t.teardown(() => app.close())
  for (const prefix of ['/a', '/b/']) {
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
      await scope.vexaAdmin.users.create({ email: 'a@b' })
    }, { prefix })
  }
  t.match(take(), [{ prefix: '/a/admin', userId: 'user-1' }, { prefix: '/b/admin', userId: 'user-1' }])
})

t.test('token:rejected: `route` is undefined when no route matches', async (t) => {
  const app = await build(t)
  app.addHook('onRequest', app.vexaAdmin.requireToken())
  const { take } = listen(t)
  t.equal((await app.inject('/nowhere')).statusCode, 401)
  t.match(take(), [{ event: 'token:rejected', route: undefined, reason: 'MISSING' }])
})

t.test('events: no actor is named when `authorize` returns true', async (t) => {
  const { take } = listen(t)
  const app = await build(t, { authorize: (request) => request.headers.me === 'admin' }, { genReqId: () => 'it' })
  await app.inject({ method: 'POST', url: '/admin/users', headers: { me: 'admin' }, payload: { email: 'a@b' } })
  await app.inject('/admin/users')
  t.same(take(), [
    { event: 'user:created', prefix: '/admin', requestId: 'it', ip: '127.0.0.1', userId: 'user-1' },
    {
      event: 'admin:rejected',
      prefix: '/admin',
      requestId: 'it',
      method: 'GET',
      route: '/admin/users',
      ip: '127.0.0.1',
      reason: 'UNAUTHORIZED'
    }
  ])
})

t.test('events: the actor is the one that `authorize` returns', async (t) => {
  const { take } = listen(t)
  const app = await build(t, {
    authorize: async ({ headers }) => headers.me === undefined ? false : { actor: String(headers.me) }
  })
  await app.inject({ method: 'POST', url: '/admin/users', headers: { me: 'jane' }, payload: { email: 'a@b' } })
  await app.inject({ method: 'DELETE', url: '/admin/users/user-1', headers: { me: 'joe' }, remoteAddress: '192.0.2.7' })
  t.match(take(), [
    { event: 'user:created', actor: 'jane', ip: '127.0.0.1' }, { event: 'user:deleted', actor: 'joe', ip: '192.0.2.7' }
  ])
})

t.test('admin:rejected, token:rejected: name the request, route and reason', async (t) => {
  const app = await build(t, { scopes: ['bot'] }, { genReqId: () => 'it' })
  app.get('/bots/:id', { onRequest: app.vexaAdmin.requireToken({ scopes: ['bot'] }) }, async () => 'in')
  const { vexaAdmin: { tokens, users } } = app
  const { user, token } = await createUserWithToken(app)
  const expiring = await tokens.create(user.id, { expires_in: 1 })
  const { take } = listen(t)
  const rejected = { prefix: '/admin', requestId: 'it', method: 'GET', ip: '127.0.0.1' }
  await app.inject({ url: '/admin/users/user-1', headers: { 'x-admin-api-key': 'a-secret-near-miss' } })
  await app.inject({ url: '/admin/users/user-1' })
  t.same(take(), Array(2).fill({
    event: 'admin:rejected', ...rejected, route: '/admin/users/:id', reason: 'UNAUTHORIZED'
  }))

  const bots = { event: 'token:rejected', ...rejected, route: '/bots/:id' }
  const ask = (key?: string) => app.inject({ url: '/bots/1?secret', headers: { ...(key && { 'x-api-key': key }) } })
  await ask()
  await ask('vex_nothing')
  t.same(take(), [{ ...bots, reason: 'MISSING' }, { ...bots, reason: 'NOT_FOUND' }])
  t.equal((await ask(token.token)).statusCode, 200)
  t.same(take(), [], 'a token without scopes may do everything')

  await new Promise((resolve) => setTimeout(resolve, 1100))
  await ask(expiring.token)
  t.same(take(), [{ ...bots, reason: 'EXPIRED' }])
  await users.update(user.id, { disabled: true })
  take()
  await ask(token.token)
  t.same(take(), [{ ...bots, reason: 'DISABLED' }])
  await tokens.update(token.id, { disabled: true })
  take()
  await ask(token.token)
  t.same(take(), [{ ...bots, reason: 'TOKEN_DISABLED' }])
})

t.test('token:rejected: the reason is INSUFFICIENT_SCOPE when a scope is missing', async (t) => {
  const app = await build(t, { scopes: ['bot', 'other'] })
  app.get('/bots', { preHandler: app.vexaAdmin.requireToken({ scopes: ['bot'] }) }, async () => 'in')
  const user = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(user.id, { scopes: ['other'] })
  const { take } = listen(t)
  await app.inject({ url: '/bots', headers: { 'x-api-key': token } })
  t.match(take(), [{ event: 'token:rejected', reason: 'INSUFFICIENT_SCOPE' }])
})

t.test('fingerprintAdminKey: returns the first 8 digits of the SHA-256', async (t) => {
  // printf %s an-admin-key-for-the-tests | sha256sum
  t.match(fingerprintAdminKey(adminKey), /^[0-9a-f]{8}$/)
  t.equal(fingerprintAdminKey('abc'), 'ba7816bf')
})
