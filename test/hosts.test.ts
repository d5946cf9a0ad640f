import querystring from 'node:querystring'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t from 'tap'
import vexaAdmin, { type StorageAdapter, type UserPage } from '../src/index.js'
import { emptyStorage } from './databases.js'
import { adminKey, call } from './helpers.js'

interface Host {
  server?: FastifyServerOptions
  before?: (app: FastifyInstance) => void
  /** What the host's own error handler makes of an error of ours. */
  error?: (error: { statusCode: number, code: string, message: string, error: string }) => object
}

const hosts: Record<string, Host> = {
  'a validator that lets everything pass': { before: (app) => app.setValidatorCompiler(() => () => true) },
  'a validator that refuses everything': { before: (app) => app.setValidatorCompiler(() => () => ({ error: new Error('no') })) },
  'JSON.stringify as serializer': { before: (app) => app.setSerializerCompiler(() => JSON.stringify) },
  'a reply serializer': { before: (app) => app.setReplySerializer((payload) => `{"wrapped":${JSON.stringify(payload)}}`) },
  'a formatter of schema errors': { before: (app) => app.setSchemaErrorFormatter(() => new Error('formatted')) },
  'an error handler of its own': {
    before: (app) => app.setErrorHandler((error: { statusCode: number, code: string }, _request, reply) =>
      reply.code(error.statusCode).send({ error: { reason: error.code, status: String(error.statusCode) }, extra: [1] })),
    error: ({ code, statusCode }) => ({ error: { reason: code, status: String(statusCode) }, extra: [1] })
  },
  'an error handler that passes errors on': { before: (app) => app.setErrorHandler((error) => { throw error }) },
  'hooks of every kind, which look and do not touch': {
    before: (app) => {
      app.addHook('onRequest', async () => {})
      app.addHook('preParsing', async (_request, _reply, payload) => payload)
      app.addHook('preValidation', async () => {})
      app.addHook('preHandler', async () => {})
      app.addHook('preSerialization', async (_request, _reply, payload) => payload)
      app.addHook('onSend', async (_request, _reply, payload) => payload)
      app.addHook('onError', async () => {})
      app.addHook('onResponse', async () => {})
    }
  },
  'a JSON parser of its own': {
    before: (app) => {
      app.removeContentTypeParser('application/json')
      app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, { parsed: body }))
    }
  },
  'a parser for everything': { before: (app) => app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, { parsed: body })) },
  'no parsers': { before: (app) => app.removeAllContentTypeParsers() },
  'a tiny body limit': { server: { bodyLimit: 5 } },
  'coercing Ajv': { server: { ajv: { customOptions: { coerceTypes: 'array', removeAdditional: 'all', useDefaults: true } } } },
  'lenient about __proto__': { server: { onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' } },
  'no HEAD routes': { server: { exposeHeadRoutes: false } },
  'a query parser of its own': { server: { routerOptions: { querystringParser: (text) => querystring.parse(text) } } },
  'long and short parameters': { server: { routerOptions: { maxParamLength: 10 } } },
  'routes in any case, with any slashes': { server: { routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true } } },
  'a not-found handler': { before: (app) => app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here')) },
  'an error handler that passes on an error without a code': {
    before: (app) => app.setErrorHandler((error: { statusCode: number }) => { throw Object.assign(new Error('no'), { statusCode: error.statusCode }) }),
    error: ({ statusCode, error }) => ({ statusCode, error, message: 'no' })
  },
  'proxies that it trusts': { server: { trustProxy: true } },
  'addresses that it rewrites': { server: { rewriteUrl: ({ url = '/' }) => url } },
  'HTTP/2': { server: { http2: true } as FastifyServerOptions },
  'a limit to the time that a handler takes': { server: { handlerTimeout: 60_000, requestTimeout: 60_000 } },
  'a constraint on routes': {
    server: { routerOptions: { constraints: { tenant: { name: 'tenant', storage: () => ({ get: () => null, set: () => {} }), deriveConstraint: () => 'none', mustMatchWhenDerived: false } } } }
  },
  'a hook on routes, which looks and does not touch': { before: (app) => app.addHook('onRoute', ({ url, schema }) => { JSON.stringify([url, schema]) }) },
  'request decorations of its own': { before: (app) => app.decorateRequest('user', null).decorateRequest('apiKey', null) }
}

t.test('whatever the host sets, our routes answer as with a bare host', async (t) => {
  const expected = await conversation(await build({}))
  t.same(expected.map(({ status }) => status), [
    401, 401, 200, 400, 400, 201, 409, 400, 400, 400, 400, 400, 413, 415, 200, 200, 200, 201, 201, 400, 404, 200, 204, 204, 404, 404, 404,
    200, 200, 201, 200, 201, 201, 200, 200, 200, 403, 401, 201, 401, 503, 503, 200, 200, 403, 200, 204, 204, 404
  ], 'the conversation meets every status')
  for (const [name, host] of Object.entries(hosts)) {
    const replies = await conversation(await build(host))
    const reshaped = (body: unknown) => host.error ? host.error(body as never) : body
    t.same(replies, expected.map((reply) => reply.status < 400 || reply.body === '' ? reply : { ...reply, body: reshaped(reply.body) }), name)
  }
})

t.test('whatever we set, the routes of the host answer as without us', async (t) => {
  for (const [name, host] of Object.entries(hosts)) {
    const alone = await ownRoutes(await build(host, false))
    t.same(await ownRoutes(await build(host)), alone, name)
  }
})

async function build ({ server, before }: Host, mounted = true): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  before?.(app)
  if (mounted) {
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: failingOnRequest(emptyStorage(t)), scopes: ['bot', 'read'] })
    app.get('/guarded', { onRequest: app.vexaAdmin.requireToken({ scopes: ['bot'] }) }, async (request) => request.apiUser.email)
  }
  app.get('/own', async (request) => ({ hello: 'world', query: request.query }))
  app.get('/fails', async () => { throw new Error('the host fails') })
  app.post('/own', {
    schema: {
      body: { type: 'object', properties: { n: { type: 'integer', default: 1 } }, required: ['m'] },
      response: { 200: { type: 'object', properties: { n: { type: 'integer' } } } }
    }
  }, async (request) => request.body)
  return app
}

/** Throws when it is asked for users like `fault`, and then does not answer for tokens until it is asked again. */
function failingOnRequest (storage: StorageAdapter): StorageAdapter {
  let failing = false
  const { listUsers, findTokenByHash } = storage
  return Object.assign(storage, {
    async listUsers (page: UserPage) {
      if (page.search !== 'fault') return listUsers.call(storage, page)
      failing = !failing
      throw new Error('a fault')
    },
    async findTokenByHash (hash: Buffer) {
      if (failing) throw new Error('a fault')
      return findTokenByHash.call(storage, hash)
    }
  })
}

async function ownRoutes (app: FastifyInstance) {
  const json = { 'content-type': 'application/json' }
  const replies = [
    await app.inject('/own?a=1&a=2'),
    await app.inject('/fails'),
    await app.inject('/missing'),
    await app.inject({ method: 'HEAD', url: '/own' }),
    await app.inject({ method: 'POST', url: '/own', payload: { m: 1, n: '2' } }),
    await app.inject({ method: 'POST', url: '/own', payload: {} }),
    await app.inject({ method: 'POST', url: '/own', payload: '', headers: json }),
    await app.inject({ method: 'POST', url: '/own', payload: 'text', headers: { 'content-type': 'text/plain' } })
  ]
  return replies.map(({ statusCode, body, headers: { date, ...headers } }) => ({ statusCode, body, headers }))
}

/** Requests that meet every status, and what came back: status, body, and the headers that we promise. */
async function conversation (app: FastifyInstance) {
  const json = { 'content-type': 'application/json' }
  const post = (payload: unknown) => call(app, 'POST', '/admin/users', { payload: typeof payload === 'string' ? payload : JSON.stringify(payload), headers: json })
  const replies = [
    await app.inject('/admin/users'),
    await app.inject({ method: 'POST', url: '/admin/users', payload: '{', headers: { ...json, 'x-admin-api-key': 'wrong' } }),
    await call(app, 'GET', '/admin/users'),
    await call(app, 'GET', '/admin/users?limit=0'),
    await call(app, 'GET', '/admin/users?limit=1e309&x=1'),
    await post({ email: 'User@Example.com', name: null }),
    await post({ email: 'user@example.com' }),
    await post({ email: 'a@b', max_concurrent_bots: '7' }),
    await post({ email: 'a@b', extra: 1 }),
    await post({}),
    await post('{"email":"a@b","__proto__":{}}'),
    await post('{'),
    await post({ email: 'x'.repeat(200_000) }),
    await call(app, 'POST', '/admin/users', { payload: 'email=a@b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    await call(app, 'GET', '/admin/users?skip=0&limit=1000'),
    await call(app, 'GET', '/admin/users/user-1'),
    await call(app, 'HEAD', '/admin/users/user-1'),
    await call(app, 'POST', '/admin/users/user-1/tokens', { headers: json }),
    await call(app, 'POST', '/admin/users/user-1/tokens'),
    await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { scopes: ['x'] } }),
    await call(app, 'POST', '/admin/users/user-2/tokens'),
    await call(app, 'GET', '/admin/users/user-1'),
    await call(app, 'DELETE', '/admin/tokens/token-1'),
    await call(app, 'DELETE', '/admin/tokens/token-2', { headers: json }),
    await call(app, 'DELETE', '/admin/tokens/token-1'),
    await call(app, 'GET', '/admin/users/user-2'),
    await call(app, 'GET', `/admin/users/user-${'1'.repeat(200)}`),
    await call(app, 'PATCH', '/admin/users/user-1', { payload: '{"name":"Jane","data":{"plan":"pro"}}', headers: { 'content-type': 'application/merge-patch+json' } }),
    await call(app, 'GET', '/admin/users/email/USER@example.com'),
    await post({ email: 'other@example.com' }),
    await call(app, 'GET', '/admin/users?limit=1&count=true')
  ]
  const mint = async (payload: object) => {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', { payload })
    replies.push(reply)
    return reply.json().token as string
  }
  const bot = await mint({ scopes: ['bot'], expires_in: 3600 })
  const reader = await mint({ scopes: ['read'], name: 'CI' })
  const guarded = (token?: string) => app.inject({ url: '/guarded', headers: token === undefined ? {} : { 'x-api-key': token } })
  replies.push(
    await call(app, 'GET', '/admin/users/user-1/tokens'),
    await call(app, 'POST', '/admin/tokens/verify', { payload: { token: bot, scopes: ['bot'] } }),
    await guarded(bot),
    await guarded(reader),
    await guarded()
  )
  const rotated = await call(app, 'POST', '/admin/tokens/token-3/rotate', { payload: {} })
  replies.push(
    rotated,
    await guarded(bot),
    await call(app, 'GET', '/admin/users?search=fault'),
    await guarded(rotated.json().token)
  )
  await call(app, 'GET', '/admin/users?search=fault')
  replies.push(
    await guarded(rotated.json().token),
    await call(app, 'PATCH', '/admin/users/user-1', { payload: { disabled: true } }),
    await guarded(rotated.json().token),
    await call(app, 'POST', '/admin/tokens/verify', { payload: { token: rotated.json().token } }),
    await call(app, 'DELETE', '/admin/users/user-1/tokens'),
    await call(app, 'DELETE', '/admin/users/user-1'),
    await call(app, 'DELETE', '/admin/users/user-1')
  )
  return replies.map((reply) => ({
    status: reply.statusCode,
    // What a route of the host answers to whoever is not let in, the host may word and wrap as it likes.
    body: reply.body === '' || (reply.statusCode >= 400 && reply.raw.req.url === '/guarded')
      ? ''
      : JSON.parse((reply.raw.req.url === '/guarded' ? JSON.stringify(reply.body) : reply.body)
        .replace(/"(created_at|expires_at|last_used_at)":"[^"]{24}"/g, '"$1":"time"')
        .replace(/"token":"vex_[0-9A-Za-z]{36}"/g, '"token":"value"')) as unknown,
    type: reply.headers['content-type'],
    cache: reply.headers['cache-control'],
    challenge: reply.headers['www-authenticate'],
    location: reply.headers.location,
    link: reply.headers.link,
    total: reply.headers['x-total-count'],
    retry: reply.headers['retry-after']
  }))
}

t.test('an error of the host\'s own is answered as the host would, and keeps its stack', async (t) => {
  const seen: Error[] = []
  const app = Fastify()
  app.setErrorHandler((error: Error) => { seen.push(error); throw error })
  app.addHook('preHandler', async ({ headers }) => { if (headers['x-fail'] !== undefined) throw new Error('no') })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  t.teardown(() => app.close())
  const headers = { 'x-admin-api-key': adminKey }
  const failed = await app.inject({ url: '/admin/users', headers: { ...headers, 'x-fail': '1' } })
  t.same([failed.statusCode, failed.json().message, failed.headers['retry-after']], [500, 'no', undefined])
  t.match(seen.pop()?.stack, /hosts\.test/)
  const invalid = await app.inject({ url: '/admin/users?limit=no', headers })
  t.same([invalid.statusCode, invalid.headers['retry-after'], seen.pop()?.stack], [400, undefined, undefined])
})

t.test('an id that is too long for the router is nobody\'s, and a path that is none of ours is not found', async (t) => {
  const app = Fastify({ routerOptions: { maxParamLength: 10 } })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  t.teardown(() => app.close())
  const codeOf = async (path: string) => (await app.inject({ url: `/admin/users/${path}`, headers: { 'x-admin-api-key': adminKey } })).json().code
  t.equal(await codeOf('user-123456'), 'VEXA_ADMIN_ERR_USER_NOT_FOUND')
  t.equal(await codeOf('user-12345/nothing'), undefined)
})
