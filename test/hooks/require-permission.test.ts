import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance, type HTTPMethods } from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { fingerprintAdminKey, type Permission, type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { hear } from '../support/hear.js'
import { adminKey, build, call } from '../support/helpers.js'

const allPermissions = ['read', 'users', 'tokens', 'verify', 'audit'] as const

const keyFor = (permission: string) => `the-key-for-${permission}-only`

const keys = [adminKey, ...allPermissions.map((name) => ({ name, key: keyFor(name), permissions: [name] }))]

const byHeader: VexaAdminOptions['authorize'] = ({ headers: { 'x-admin-api-key': key } }) => {
  const name = allPermissions.find((permission) => keyFor(permission) === key)
  return key === adminKey || (name !== undefined && { actor: name, permissions: [name] })
}

const ways = { adminKeys: { adminKeys: keys }, authorize: { authorize: byHeader } }

/** Builds an app with a user and a token, and returns each of the plugin's routes with each of its methods. */
async function buildWithRoutes (t: Test, options: Partial<VexaAdminOptions>) {
  const app = Fastify()
  t.teardown(() => app.close())
  const routes: Array<{ method: HTTPMethods, url: string }> = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url })
  })
  await app.register(vexaAdmin, { storage: emptyStorage(t), audit: true, ...options })
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create(id)
  return { app, routes }
}

/** Returns the permission that a route needs according to the documentation, or `'any'`. */
function documentedFor (method: string, url: string): Permission | 'any' {
  if (url === '/admin/settings') return 'any'
  if (url === '/admin/audit') return 'audit'
  if (method === 'GET' || method === 'HEAD') return 'read'
  if (url === '/admin/tokens/verify' || url === '/admin/introspect') return 'verify'
  if (url === '/admin/revoke') return 'tokens'
  const isOfTokens = url.startsWith('/admin/tokens/') || url.endsWith('/tokens') ||
    // No id is as long as those that this route is for. A POST can only create a token of such a user.
    (url === '/admin/users/*' && method === 'POST')
  return isOfTokens ? 'tokens' : 'users'
}

const fill = (url: string) => url.replace('/users/:id', '/users/user-1').replace('/tokens/:id', '/tokens/token-1')
  .replace(':email', 'a@b').replace('*', 'x'.repeat(200))

/** Sends the head of a request whose announced body never comes, and returns the reply. */
async function sendHead (app: FastifyInstance, method: string, path: string, key: string) {
  const { port } = app.server.address() as AddressInfo
  const headers = { 'x-admin-api-key': key, 'content-type': 'application/json', 'content-length': '1000' }
  const request = httpRequest({ port, host: '127.0.0.1', method, path, headers }).on('error', () => {})
  request.flushHeaders()
  const [reply] = await once(request, 'response') as [IncomingMessage]
  let body = ''
  for await (const chunk of reply.setEncoding('utf8')) body += chunk
  request.destroy()
  return { status: reply.statusCode, body }
}

for (const [way, options] of Object.entries(ways)) {
  t.test(`${way}: each route rejects an admin without its permission, unread`, async (t) => {
    const { app, routes } = await buildWithRoutes(t, options)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const before = await app.vexaAdmin.users.get('user-1')
    let rejected = 0
    for (const { method, url } of routes) {
      const needed = documentedFor(method, url)
      for (const permission of allPermissions) {
        if (needed === 'any' || needed === permission) continue
        const { status, body } = await sendHead(app, method, fill(url), keyFor(permission))
        t.equal(status, 403, `${method} ${url} with ${permission}`)
        if (method !== 'HEAD') {
          t.same(JSON.parse(body), {
            statusCode: 403,
            code: 'VEXA_ADMIN_ERR_FORBIDDEN',
            error: 'Forbidden',
            message: `The admin lacks the permission that this request needs: ${needed}`
          })
        }
        rejected++
      }
    }
    t.ok(rejected > 100)
    t.same(await app.vexaAdmin.users.get('user-1'), before)
    t.equal((await app.vexaAdmin.users.list()).length, 1)
  })

  t.test(`${way}: each route accepts an admin with its permission alone`, async (t) => {
    const { app, routes } = await buildWithRoutes(t, options)
    for (const { method, url } of routes) {
      const needed = documentedFor(method, url)
      for (const permission of allPermissions) {
        if (needed !== 'any' && needed !== permission) continue
        const headers = { 'x-admin-api-key': keyFor(permission) }
        // The changes fail for other reasons: the user or token does not exist, or the body is not valid.
        const path = fill(url).replace('user-1', 'user-9').replace('token-1', 'token-9').replace('a@b', 'c@d')
        const { statusCode } = await app.inject({ method: method as 'GET', url: path, headers })
        const isList = ['/admin/users', '/admin/tokens', '/admin/settings', '/admin/audit'].includes(url)
        const expected = method === 'POST' && /(?:users|verify|introspect|revoke)$/.test(url) ? 400 : isList ? 200 : 404
        // A PATCH and a PUT need a body, and the deletion of expired tokens needs a query.
        const needsMore = ((method === 'PATCH' || method === 'PUT') && !url.includes('*')) ||
          (method === 'DELETE' && url === '/admin/tokens')
        t.equal(statusCode, needsMore ? 400 : expected, `${method} ${url}`)
      }
    }
  })

  t.test(`${way}: an admin without a list of permissions may call each route`, async (t) => {
    const { app, routes } = await buildWithRoutes(t, options)
    for (const { method, url } of routes) {
      const { statusCode } = await app.inject({
        method: method as 'GET',
        url: fill(url),
        headers: { 'x-admin-api-key': adminKey }
      })
      t.notOk([401, 403, 500].includes(statusCode), `${method} ${url}: ${statusCode}`)
    }
  })
}

t.test('permissions: several permissions allow the routes of each', async (t) => {
  const app = await build(t, { adminKeys: [{ name: 'ops', key: adminKey, permissions: ['users', 'read'] }] })
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).statusCode, 201)
  t.equal((await call(app, 'GET', '/admin/users/user-1')).statusCode, 200)
  t.equal((await call(app, 'POST', '/admin/users/user-1/tokens')).statusCode, 403)
  t.same((await app.vexaAdmin.users.get('user-1')).api_tokens, [])
})

t.test('permissions: a wrong key gets 401, not 403, on each route', async (t) => {
  const { app, routes } = await buildWithRoutes(t, { adminKeys: keys })
  for (const { method, url } of routes) {
    for (const headers of [{}, { 'x-admin-api-key': `${keyFor('verify')}x` }]) {
      const { statusCode } = await app.inject({ method: method as 'GET', url: fill(url), headers })
      t.equal(statusCode, 401, `${method} ${url}`)
    }
  }
})

t.test('permissions: the options are copied when the app starts', async (t) => {
  const permissions: Permission[] = ['verify']
  const key = { name: 'gateway', key: adminKey, permissions }
  const app = await build(t, { adminKeys: [key] })
  permissions.push('read')
  Object.assign(key, { permissions: undefined })
  t.equal((await call(app, 'GET', '/admin/users')).statusCode, 403)
})

t.test('permissions: a 403 has no challenge, and passes through the error handler', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const passed: string[] = []
  app.setErrorHandler((error: Error & { code: string }) => { passed.push(error.code); throw error })
  await app.register(vexaAdmin, { adminKeys: keys, storage: emptyStorage(t) })
  const reply = await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': keyFor('verify') } })
  t.equal(reply.statusCode, 403)
  t.equal(reply.headers['www-authenticate'], undefined)
  t.equal(reply.headers['cache-control'], 'no-store')
  t.same(passed, ['VEXA_ADMIN_ERR_FORBIDDEN'])
})

t.test('admin:rejected: names the actor who lacks a permission', async (t) => {
  const heard = hear(t, 'fastify-vexa-admin:admin:rejected')
  const app = Fastify({ genReqId: () => 'it' })
  t.teardown(() => app.close())
  await app.register(vexaAdmin, { adminKeys: keys, storage: emptyStorage(t) })
  const headers = { 'x-admin-api-key': keyFor('verify') }
  await app.inject({ method: 'DELETE', url: '/admin/users/user-1', headers })
  await app.inject({ url: '/admin/settings', headers })
  t.same(heard, [{
    prefix: '/admin',
    requestId: 'it',
    method: 'DELETE',
    route: '/admin/users/:id',
    ip: '127.0.0.1',
    reason: 'FORBIDDEN',
    actor: 'verify'
  }])
})

t.test('events: the actor is the name of the key, or else its fingerprint', async (t) => {
  const heard = hear(t, 'fastify-vexa-admin:user:created')
  const app = await build(t, { adminKeys: keys })
  for (const [i, key] of [keyFor('users'), adminKey].entries()) {
    const headers = { 'x-admin-api-key': key }
    await app.inject({ method: 'POST', url: '/admin/users', headers, payload: { email: `${i}@b` } })
  }
  t.same(heard.map(({ actor }) => actor), ['users', fingerprintAdminKey(adminKey)])
})

t.test('start: fails when a route has lost its permission', async (t) => {
  for (const [lost, url] of [['GET', '/admin/users'], ['HEAD', '/admin/settings'], ['DELETE', '/admin/users/*']]) {
    const app = Fastify()
    app.addHook('onRoute', (route) => {
      if (route.url === url && [route.method].flat().includes(lost as string)) route.config = {}
    })
    await t.rejects(async () => { await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) }) }, {
      code: 'VEXA_ADMIN_ERR_INVALID_OPTION',
      message: new RegExp(`the route \\S*${lost}\\S* ${url?.replace('*', '\\*')} .*onRoute.*must keep the existing`)
    })
    await app.close()
  }
})

t.test('start: keeps the permissions when the app adds to `config`', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRoute', (route) => { route.config = { ...route.config, rateLimit: 1 } as object })
  await app.register(vexaAdmin, { adminKeys: keys, storage: emptyStorage(t) })
  const get = (key: string) => app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': key } })
  t.equal((await get(keyFor('read'))).statusCode, 200)
  t.equal((await get(keyFor('users'))).statusCode, 403)
})

t.test('OpenAPI: each route but the settings has a 403 with its permission', async (t) => {
  for (const [way, options] of Object.entries(ways)) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(swagger, { openapi: { openapi: '3.1.0' } })
    await app.register(vexaAdmin, { storage: emptyStorage(t), audit: true, ...options })
    await app.ready()
    let routes = 0
    for (const [path, methods] of Object.entries(app.swagger().paths as Record<string, Record<string, any>>)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        routes++
        const { example, examples = { example1: { value: example } } } =
          responses[403]?.content['application/json'] ?? {}
        const documented = Object.values<any>(examples).map(({ value }) => value && `${value.code}: ${value.message}`)
        const needed = documentedFor(method.toUpperCase(), path.replace('{id}', ':id'))
        const forbidden = 'VEXA_ADMIN_ERR_FORBIDDEN: The admin lacks the permission that this request needs: '
        t.equal(documented[0], needed === 'any' ? undefined : forbidden + needed, `${method} ${path}`)
        const isCrossOrigin = way === 'authorize' && method !== 'get'
        t.equal(documented.length, isCrossOrigin ? 2 : 1)
        if (isCrossOrigin) t.match(documented[1], /^VEXA_ADMIN_ERR_CROSS_ORIGIN: The request comes from/)
      }
    }
    t.equal(routes, 21)
  }
})
