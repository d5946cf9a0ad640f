import { connect } from 'node:net'
import auth from '@fastify/auth'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { build as buildPlugin } from '../support/helpers.js'

async function build (t: Test, options: Partial<VexaAdminOptions> = {}) {
  const app = await buildPlugin(t, { scopes: ['bot', 'tx', 'read'], ...options })
  const { requireToken } = app.vexaAdmin
  const who = async ({ apiUser, apiToken }: { apiUser: unknown, apiToken: unknown }) => ({ apiUser, apiToken })
  app.get('/me', { onRequest: requireToken() }, who)
  app.post('/bots', { onRequest: requireToken({ scopes: ['bot'] }) }, who)
  app.get('/bots/tx', { onRequest: requireToken({ scopes: ['tx', 'bot'] }) }, who)
  app.get('/late', { preHandler: requireToken() }, who)
  app.get('/public', who)
  return app
}

const rejected = {
  statusCode: 401,
  code: 'VEXA_ADMIN_ERR_INVALID_TOKEN',
  error: 'Unauthorized',
  message: 'API token missing or not valid: send one in the header X-API-Key, or as Authorization: Bearer'
}

type Headers = Record<string, string | string[]>

const ask = (app: FastifyInstance, url: string, headers: Headers = {}, method: 'GET' | 'POST' = 'GET') =>
  app.inject({ method, url, headers })

t.test('requireToken: accepts a token in either header, and sets user and token', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b', data: { plan: 'pro' } })
  const { token, ...rest } = await app.vexaAdmin.tokens.create(user.id, { name: 'CI' })
  const ways: Array<Record<string, string>> = [
    { 'x-api-key': token }, { authorization: `Bearer ${token}` }, { authorization: `bearer   ${token}` },
    { authorization: `BEARER ${token}` },
    { 'x-api-key': token, authorization: `Bearer ${token}` },
    { 'x-api-key': token, authorization: 'Basic dXNlcjpwYXNz' }, { 'x-api-key': token, authorization: 'bearers x' }
  ]
  for (const headers of ways) {
    for (const url of ['/me', '/late']) {
      const reply = await ask(app, url, headers)
      t.equal(reply.statusCode, 200, Object.keys(headers).join())
      t.match(reply.json(), { apiUser: user, apiToken: { ...rest, token: '***' } })
    }
  }
  t.same((await ask(app, '/public', { 'x-api-key': token })).json(), {
    apiUser: null,
    apiToken: null
  }, 'a route without the hook has neither')
})

t.test('requireToken: returns 401 with a challenge for anything but a token', async (t) => {
  const app = await build(t)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const [{ token: one }, { token: two }] = [
    await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)
  ]
  const missing: Array<Record<string, string>> = [
    {}, { authorization: `Basic ${one}` }, { authorization: one }, { authorization: `Token ${one}` },
    { authorization: `x-bearer ${one}` }, { authorization: `Basic bearer ${one}` }, { authorization: `bearers ${one}` },
    { cookie: `x-api-key=${one}` }, { 'x-admin-api-key': one }
  ]
  const invalid: Array<Record<string, string | string[]>> = [
    { 'x-api-key': '' }, { 'x-api-key': `${one}x` }, { 'x-api-key': [one, one] }, { 'x-api-key': `${one}, ${two}` },
    { 'x-api-key': 'an-admin-key-for-the-tests' },
    { 'x-api-key': one, authorization: `Bearer ${two}` }, { 'x-api-key': '', authorization: 'Bearer' },
    { 'x-api-key': 'x', authorization: 'Bearer y' },
    { authorization: 'Bearer' }, { authorization: 'Bearer ' }, { authorization: `Bearer ${one} ${one}` },
    { authorization: `Bearer ${one},` }, { authorization: `Bearer "${one}"` },
    { authorization: `Bearer\t${one}` }, { 'x-api-key': 'caf\xe9' }, { 'x-api-key': 'x'.repeat(15_000) }
  ]
  for (const headers of [...missing, ...invalid]) {
    const reply = await ask(app, '/me', headers)
    t.same(reply.json(), rejected, Object.keys(headers).join())
    t.match(reply.headers['www-authenticate'], /^Bearer realm="api"/)
  }
  t.equal((await ask(app, '/me')).headers['www-authenticate'], 'Bearer realm="api"')
  t.equal(
    (await ask(app, '/me', { 'x-api-key': 'x' })).headers['www-authenticate'],
    'Bearer realm="api", error="invalid_token"'
  )
  t.equal(
    (await ask(app, `/me?x-api-key=${one}&access_token=${one}`)).statusCode, 401, 'a query string holds no tokens'
  )
})

t.test('requireToken: rejects several Authorization headers', async (t) => {
  const app = await build(t)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const [{ token: one }, { token: two }] = [
    await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)
  ]
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const statusOf = (...headers: string[]) => new Promise((resolve, reject) => {
    const lines = ['GET /me HTTP/1.1', 'Host: localhost', ...headers, '', '']
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(lines.join('\r\n')))
    socket.once('error', reject).once('data', (data) => {
      resolve(Number(data.toString().split(' ')[1]))
      socket.destroy()
    })
  })
  t.equal(await statusOf(`Authorization: Bearer ${one}`), 200)
  t.equal(await statusOf(`Authorization: Bearer ${one}`, 'X-Signed: authorization'), 200, 'a value is no header')
  t.equal(await statusOf(`Authorization: Bearer ${one}`, `authorization: Bearer ${two}`), 401)
  t.equal(await statusOf('Authorization: Basic x', `AUTHORIZATION: Bearer ${two}`), 401)
  t.equal(await statusOf(`X-API-Key: ${one}`, `x-api-key: ${two}`), 401)
  t.equal(await statusOf(`X-API-Key: ${one}`, 'Authorization: Basic x', 'Authorization: Basic y'), 401)
})

t.test('requireToken: ignores a second header that cannot hold a token', async (t) => {
  const app = await build(t)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const [{ token: one }, { token: two }] = [
    await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)
  ]
  const others = [
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', 'da2-abcdefghijklmnopqrstuvwxyz', '', 'x', one.slice(0, -1),
    `${one}0`, `${one.slice(0, -6)}000000`, `vex_${'a'.repeat(36)}`, one.toUpperCase(),
    'an-admin-key-for-the-tests', 'a, b', 'x'.repeat(10_000)
  ]
  for (const other of others) {
    t.equal((await ask(app, '/me', {
      'x-api-key': other,
      authorization: `Bearer ${one}`
    })).statusCode, 200, `beside our Bearer: ${other}`)
    t.equal((await ask(app, '/me', {
      'x-api-key': one,
      authorization: `Bearer ${other}`
    })).statusCode, 200, `beside our X-API-Key: ${other}`)
    // A hyphen completes no token.
    t.same((await ask(app, '/me', { 'x-api-key': other, authorization: `Bearer ${other}-` })).json(), rejected)
  }
  const ambiguous: Array<Record<string, string | string[]>> = [
    { 'x-api-key': two, authorization: `Bearer ${one}` }, { 'x-api-key': one, authorization: `Bearer ${two}` },
    { 'x-api-key': [one, two], authorization: `Bearer ${one}` },
    { 'x-api-key': [one, one], authorization: `Bearer ${one}` },
    { 'x-api-key': `x,${two}`, authorization: `Bearer ${one}` },
    { 'x-api-key': one, authorization: `Bearer ${one} ${two}` }, { 'x-api-key': one, authorization: `Bearer ${one},` }
  ]
  for (const headers of ambiguous) t.same((await ask(app, '/me', headers)).json(), rejected, JSON.stringify(headers))
})

t.test('requireToken: on the whole app, leaves the admin API to the admin key', async (t) => {
  const server = { routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false } }
  for (const hook of ['onRequest', 'preHandler'] as const) {
    const app = await buildPlugin(t, {}, server)
    app.addHook(hook as 'onRequest', app.vexaAdmin.requireToken())
    // This registration comes after the hook.
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: 'another-key-for-the-tests', storage: emptyStorage(t) })
    }, { prefix: '/inner' })
    app.get('/admin/own', async () => 'own')
    app.get('/adminusers', async () => 'own')
    app.register(async (scope) => { scope.get('/users', async () => 'own') }, { prefix: '/admin/mine' })
    const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
    const { token } = await app.vexaAdmin.tokens.create(id)
    const status = async (url: string, headers: Headers = {}, method: 'GET' | 'POST' | 'HEAD' = 'GET') =>
      (await app.inject({ method, url, headers })).statusCode

    const [admin, inner] = [
      { 'x-admin-api-key': 'an-admin-key-for-the-tests' }, { 'x-admin-api-key': 'another-key-for-the-tests' }
    ]
    for (const url of [
      '/admin/users', '//ADMIN//users/', '/%61dmin/users', '/admin/users/user-1', '/admin/users/email/a@b',
      '/admin/users/user-1/tokens'
    ]) {
      t.equal(await status(url, admin), 200, `${hook} ${url}`)
      t.equal(await status(url, admin, 'HEAD'), 200, `${hook} HEAD ${url}`)
      for (const headers of [undefined, { 'x-api-key': token }, { 'x-admin-api-key': 'wrong' }, inner]) {
        t.equal(await status(url, headers), 401, `${hook} ${url} ${JSON.stringify(headers)}`)
      }
      t.equal(await status(`/inner${url}`, admin), 401)
    }
    t.equal(await status('/inner/admin/users', inner), 200)
    t.equal(await status(`/admin/users/${'1'.repeat(200)}`, admin), 404)
    t.equal(await status('/admin/users/user-1/tokens', admin, 'POST'), 201)
    for (const url of ['/admin/own', '/adminusers', '/admin/mine/users']) {
      for (const headers of [undefined, admin, inner, { 'x-admin-api-key': token }]) {
        t.equal(await status(url, headers), 401, `${hook} ${url} is the app's`)
      }
      t.equal(await status(url, { 'x-api-key': token }), 200)
    }
    for (const url of ['/admin', '/admin/nothing', '/nothing']) {
      t.equal(await status(url, admin), 401, `${url} is nobody's`)
    }
  }
})

t.test('requireToken: on the whole app, guards a route copied from the admin API', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const copies: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (route.url === '/admin/users' && route.method === 'GET') copies.push({ ...route, url: '/copy' })
  })
  await app.register(vexaAdmin, { adminKeys: 'an-admin-key-for-the-tests', storage: emptyStorage(t) })
  app.addHook('onRequest', app.vexaAdmin.requireToken())
  for (const copy of copies) app.route(copy)
  t.equal((await app.inject('/copy')).statusCode, 401)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  t.equal((await app.inject({
    url: '/copy',
    headers: { 'x-api-key': (await app.vexaAdmin.tokens.create(id)).token }
  })).statusCode, 200)
})

t.test('requireToken: returns 401 as soon as the token or its user has ended', async (t) => {
  const app = await build(t)
  const { users, tokens } = app.vexaAdmin
  const ends: Record<string, (userId: string, tokenId: string) => Promise<unknown>> = {
    revoked: (_, id) => tokens.revoke(id),
    'revoked with all others': (userId) => tokens.revokeAll(userId),
    rotated: (_, id) => tokens.rotate(id),
    'its user deleted': (userId) => users.delete(userId)
  }
  for (const [name, end] of Object.entries(ends)) {
    const user = await users.create({ email: `${name.replaceAll(' ', '-')}@x` })
    const { id, token } = await tokens.create(user.id)
    t.equal((await ask(app, '/me', { 'x-api-key': token })).statusCode, 200, name)
    await end(user.id, id)
    t.same((await ask(app, '/me', { 'x-api-key': token })).json(), rejected, name)
  }
})

t.test('requireToken: returns 403 when the user is disabled or a scope is missing', async (t) => {
  const app = await build(t)
  const { users, tokens } = app.vexaAdmin
  const { id } = await users.create({ email: 'a@b' })
  const bot = { 'x-api-key': (await tokens.create(id, { scopes: ['bot'] })).token }
  const tx = { 'x-api-key': (await tokens.create(id, { scopes: ['tx'] })).token }
  const all = { 'x-api-key': (await tokens.create(id)).token }
  t.equal((await ask(app, '/bots', bot, 'POST')).statusCode, 200)
  t.equal((await ask(app, '/bots', all, 'POST')).statusCode, 200)
  t.equal((await ask(app, '/me', tx)).statusCode, 200)
  const reply = await ask(app, '/bots', tx, 'POST')
  t.same(reply.json(), {
    statusCode: 403,
    code: 'VEXA_ADMIN_ERR_INSUFFICIENT_SCOPE',
    error: 'Forbidden',
    message: 'The API token lacks required scopes: bot'
  })
  t.equal(reply.headers['www-authenticate'], 'Bearer realm="api", error="insufficient_scope", scope="bot"')
  const both = await ask(app, '/bots/tx', tx)
  t.equal(both.headers['www-authenticate'], 'Bearer realm="api", error="insufficient_scope", scope="tx bot"')
  t.equal(both.json().message, 'The API token lacks required scopes: bot', 'the scopes that it has are not named')
  const none = { 'x-api-key': (await tokens.create(id, { scopes: ['read'] })).token }
  t.equal((await ask(app, '/bots/tx', none)).json().message, 'The API token lacks required scopes: tx, bot')

  await users.update(id, { disabled: true })
  for (const headers of [bot, tx, all]) {
    const reply = await ask(app, '/me', headers)
    t.same(reply.json(), {
      statusCode: 403,
      code: 'VEXA_ADMIN_ERR_USER_DISABLED',
      error: 'Forbidden',
      message: 'The user of the API token is disabled'
    })
  }
  await users.update(id, { disabled: false })
  t.equal((await ask(app, '/me', all)).statusCode, 200)
})

t.test('requireToken: returns 503 when the storage does not answer', async (t) => {
  let down = false
  let asked = 0
  const stored = emptyStorage(t)
  const storage = faultyStorage(stored, {
    findTokenByHash: (hash) => {
      asked++
      if (down) throw new Error('down')
      return stored.findTokenByHash(hash)
    }
  })
  const app = await build(t, { storage })
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(id)
  down = true
  const reply = await ask(app, '/me', { 'x-api-key': token })
  t.equal(reply.statusCode, 503)
  t.equal(reply.json().code, 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE')
  t.equal(reply.headers['retry-after'], '1')
  t.equal(reply.headers['www-authenticate'], undefined)
  t.equal(asked, 1)
  for (const value of ['x', `vex_${'a'.repeat(36)}`, `${token.slice(0, -1)}!`]) {
    t.equal((await ask(app, '/me', { authorization: `Bearer ${value}` })).statusCode, 401)
  }
  t.equal(asked, 1)
  down = false
  t.equal((await ask(app, '/me', { 'x-api-key': token })).statusCode, 200)
})

t.test('requireToken: its errors pass through the error handler of the app', async (t) => {
  const app = await build(t)
  app.setErrorHandler((error: { code: string }, _request, reply) => reply.code(418).send({ mine: error.code }))
  app.get('/mine', { onRequest: app.vexaAdmin.requireToken() }, async () => 'x')
  const reply = await ask(app, '/mine')
  t.equal(reply.statusCode, 418)
  t.same(reply.json(), { mine: 'VEXA_ADMIN_ERR_INVALID_TOKEN' })
  t.equal(reply.headers['www-authenticate'], 'Bearer realm="api"')
})

t.test('requireToken: works inside @fastify/auth', async (t) => {
  const app = await build(t)
  await app.register(auth)
  const guard = app.vexaAdmin.requireToken()
  const reject = async () => { throw new Error('no') }
  app.get('/either', { onRequest: app.auth([reject, guard]) }, async (request) => request.apiUser.email)
  app.get('/both', {
    onRequest: app.auth([guard, async () => {}], { relation: 'and' })
  }, async (request) => request.apiUser.email)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(id)
  for (const url of ['/either', '/both']) {
    t.equal((await ask(app, url, { 'x-api-key': token })).body, 'a@b')
    t.equal((await ask(app, url)).statusCode, 401)
  }
})

t.test('requireToken: throws when an option is wrong or a scope is unknown', async (t) => {
  const app = await build(t)
  // Without its parentheses, it rejects each request, and the message says why.
  app.get('/forgotten', { onRequest: app.vexaAdmin.requireToken as never }, async () => 'x')
  t.match((await app.inject('/forgotten')).json(), {
    statusCode: 500,
    message: /requireToken returns a hook: call it, as in/
  })
  t.throws(() => app.vexaAdmin.requireToken({ scopes: ['bto'] }), {
    code: 'VEXA_ADMIN_ERR_INVALID_OPTION',
    message: /bto/
  })
  for (const wrong of [{ scope: ['bot'] }, ['bot'], { scopes: 'bot' }, { scopes: null }]) {
    t.throws(() => app.vexaAdmin.requireToken(wrong as never), {
      code: 'VEXA_ADMIN_ERR_INVALID_OPTION',
      message: /scope|option `0`/
    }, JSON.stringify(wrong))
  }
})

t.test('requireToken: copies its scopes', async (t) => {
  const app = await build(t)
  const scopes = ['bot', 'bot']
  app.get('/fixed', { onRequest: app.vexaAdmin.requireToken({ scopes }) }, async () => 'x')
  scopes.fill('tx')
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  t.equal((await ask(app, '/fixed', {
    'x-api-key': (await app.vexaAdmin.tokens.create(id, { scopes: ['bot'] })).token
  })).statusCode, 200)
  t.equal((await ask(app, '/fixed', {
    'x-api-key': (await app.vexaAdmin.tokens.create(id, { scopes: ['tx'] })).token
  })).statusCode, 403)
})
