import querystring from 'node:querystring'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t from 'tap'
import vexaAdmin, { type StorageAdapter } from '../src/index.js'
import { emptyStorage } from './support/databases.js'
import { interceptStorage } from './support/faulty-storage.js'
import { adminKey } from './support/helpers.js'

interface Host {
  server?: FastifyServerOptions
  before?: (app: FastifyInstance) => void
  /** Returns the body that the app's own error handler sends for an error of ours. */
  error?: (error: { statusCode: number, code: string, message: string, error: string }) => object
}

const hosts: Record<string, Host> = {
  'a validator that accepts everything': { before: (app) => app.setValidatorCompiler(() => () => true) },
  'a validator that rejects everything': {
    before: (app) => app.setValidatorCompiler(() => () => ({ error: new Error('no') }))
  },
  'JSON.stringify as serializer': { before: (app) => app.setSerializerCompiler(() => JSON.stringify) },
  'a reply serializer': {
    before: (app) => app.setReplySerializer((payload) => `{"wrapped":${JSON.stringify(payload)}}`)
  },
  'a formatter of schema errors': { before: (app) => app.setSchemaErrorFormatter(() => new Error('formatted')) },
  'an error handler of its own': {
    before: (app) => app.setErrorHandler((error: { statusCode: number, code: string }, _request, reply) =>
      reply.code(error.statusCode).send({
        error: { reason: error.code, status: String(error.statusCode) },
        extra: [1]
      })),
    error: ({ code, statusCode }) => ({ error: { reason: code, status: String(statusCode) }, extra: [1] })
  },
  'an error handler that passes errors on': { before: (app) => app.setErrorHandler((error) => { throw error }) },
  'hooks of every kind that change nothing': {
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
      app.addContentTypeParser(
        'application/json', { parseAs: 'string' }, (_request, body, done) => done(null, { parsed: body })
      )
    }
  },
  'a parser for everything': {
    before: (app) => app.addContentTypeParser(
      '*', { parseAs: 'string' }, (_request, body, done) => done(null, { parsed: body })
    )
  },
  'no parsers': { before: (app) => app.removeAllContentTypeParsers() },
  'a tiny body limit': { server: { bodyLimit: 5 } },
  'coercing Ajv': {
    server: { ajv: { customOptions: { coerceTypes: 'array', removeAdditional: 'all', useDefaults: true } } }
  },
  'a parser that ignores __proto__': { server: { onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' } },
  'no HEAD routes of its own': { server: { exposeHeadRoutes: false } },
  'a query parser of its own': { server: { routerOptions: { querystringParser: (text) => querystring.parse(text) } } },
  'a short maxParamLength': { server: { routerOptions: { maxParamLength: 10 } } },
  'routes in any case, with any slashes': {
    server: { routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true } }
  },
  'a not-found handler': {
    before: (app) => app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here'))
  },
  'an error handler that passes on an error without a code': {
    before: (app) => app.setErrorHandler((error: { statusCode: number }) => {
      throw Object.assign(new Error('no'), { statusCode: error.statusCode })
    }),
    error: ({ statusCode, error }) => ({ statusCode, error, message: 'no' })
  },
  'request decorations of its own': {
    before: (app) => app.decorateRequest('user', null).decorateRequest('apiKey', null)
  },
  'compilers for all scopes': {
    server: {
      schemaController: {
        compilersFactory: {
          buildValidator: () => (() => () => true) as never,
          buildSerializer: () => () => JSON.stringify
        }
      }
    }
  },
  'trusted proxies': { server: { trustProxy: true } },
  'a rewriteUrl that changes nothing': { server: { rewriteUrl: ({ url = '/' }) => url } },
  'an onRoute hook': { before: (app) => app.addHook('onRoute', () => {}) },
  'compiled routes': { server: { routerOptions: { compile: true } } },
  'a constraint that no route has': {
    before: (app) => app.addConstraintStrategy({
      name: 'tenant',
      storage: () => ({ get: () => null, set: () => {} }),
      validate: () => {},
      deriveConstraint: () => 'one'
    })
  },
  'timeouts for requests': { server: { connectionTimeout: 60_000, requestTimeout: 60_000, handlerTimeout: 60_000 } },
  'HTTP/2': { server: { http2: true } as object }
}

t.test('plugin: our routes answer the same whatever the app sets', async (t) => {
  const expected = await conversation(await build({}))
  t.same(
    expected.map(({ request, status }) => `${status} ${request}`),
    requests.map(([status, request]) => `${status} ${request}`)
  )
  const headersOf = (path: string) => expected.find(({ request }) => request === `GET /admin/users${path}`)?.headers
  t.match(headersOf('?search=down'), { 'retry-after': '1', link: undefined })
  t.match(headersOf('?limit=1&count=true&search=EXAMPLE'), {
    'x-total-count': '2',
    link: '<?after=user-1&limit=1&search=EXAMPLE>; rel="next"',
    'retry-after': undefined
  })
  for (const [name, host] of Object.entries(hosts)) {
    const app = await build(host)
    const reshaped = (body: unknown) => host.error ? host.error(body as never) : body
    t.same(await conversation(app), expected.map((reply) => reply.status < 400
      ? reply
      : {
          ...reply,
          body: reshaped(reply.body)
        }), name)
    t.same(await guardedRoute(app), outcomes, `${name}: a route with requireToken`)
  }
})

t.test("plugin: the app's own routes answer the same with and without us", async (t) => {
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
    await app.register(vexaAdmin, { adminKeys: adminKey, scopes: ['bot', 'tx'], storage: failing(emptyStorage(t)) })
    app.get('/bots', {
      onRequest: app.vexaAdmin.requireToken({ scopes: ['bot'] })
    }, async (request, reply) => reply.header('x-user', request.apiUser.email).send('in'))
  }
  app.get('/own', async (request) => ({ hello: 'world', query: request.query }))
  app.get('/fails', async () => { throw new Error('the app fails') })
  app.post('/own', {
    schema: {
      body: { type: 'object', properties: { n: { type: 'integer', default: 1 } }, required: ['m'] },
      response: { 200: { type: 'object', properties: { n: { type: 'integer' } } } }
    }
  }, async (request) => request.body)
  return app
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

/** Returns a storage that throws when the search is `down`. */
function failing (storage: StorageAdapter): StorageAdapter {
  return interceptStorage(storage, ({ parameters, proceed }) => {
    if ((parameters[0] as { search?: string } | undefined)?.search === 'down') throw new Error('down')
    return proceed()
  })
}

const json = { 'content-type': 'application/json' }

/** Requests in order, which meet every route and every status. VALUE stands for the value of the newest token. */
const requests: Array<
  [status: number, request: string, payload?: string | object, headers?: Record<string, string>]
> = [
  [401, 'GET /admin/users', undefined, { 'x-admin-api-key': '' }],
  [401, 'POST /admin/users', '{', { ...json, 'x-admin-api-key': 'wrong' }],
  [200, 'GET /admin/users'],
  [400, 'GET /admin/users?limit=0'],
  [400, 'GET /admin/users?limit=1e309&x=1'],
  [201, 'POST /admin/users', { email: 'User@Example.com', name: null }],
  [409, 'POST /admin/users', { email: 'user@example.com' }],
  [400, 'POST /admin/users', { email: 'a@b', max_concurrent_bots: '7' }],
  [400, 'POST /admin/users', { email: 'a@b', extra: 1 }],
  [400, 'POST /admin/users', {}],
  [400, 'POST /admin/users', '{"email":"a@b","__proto__":{}}', json],
  [400, 'POST /admin/users', '{"email":"a@b","email":"c@d"}', json],
  [400, 'POST /admin/users', '{', json],
  [413, 'POST /admin/users', { email: 'x'.repeat(200_000) }],
  [415, 'POST /admin/users', 'email=a@b', { 'content-type': 'application/x-www-form-urlencoded' }],
  [200, 'GET /admin/users?skip=0&limit=1000'],
  [200, 'GET /admin/users/user-1'],
  [200, 'HEAD /admin/users/user-1'],
  [404, 'GET /admin/users/user-2'],
  [404, `GET /admin/users/user-${'1'.repeat(200)}`],
  [200, 'GET /admin/users/email/USER@example.com'],
  [404, 'GET /admin/users/email/nobody@example.com'],
  [200, 'PATCH /admin/users/user-1', { name: 'Name', data: { a: 1, b: { c: '2' } } }],
  [200, 'PATCH /admin/users/user-1', '{"data":{"a":null}}', { 'content-type': 'application/merge-patch+json' }],
  [400, 'PATCH /admin/users/user-1', { disabled: 'false' }],
  [404, 'PATCH /admin/users/user-2', { disabled: false }],
  [201, 'POST /admin/users', { email: 'other@example.com', max_concurrent_bots: 0 }],
  [409, 'PATCH /admin/users/user-1', { email: 'other@example.com' }],
  [200, 'GET /admin/users?limit=1&count=true&search=EXAMPLE'],
  [200, 'GET /admin/users?limit=1&order=desc&after=user-2'],
  [503, 'GET /admin/users?search=down'],
  [201, 'POST /admin/users/user-1/tokens', '', json],
  [201, 'POST /admin/users/user-1/tokens'],
  [400, 'POST /admin/users/user-1/tokens', { scopes: ['x'] }],
  [200, 'GET /admin/users/user-1'],
  [204, 'DELETE /admin/tokens/token-1'],
  [204, 'DELETE /admin/tokens/token-2', '', json],
  [404, 'DELETE /admin/tokens/token-1'],
  [201, 'POST /admin/users/user-1/tokens', { name: 'CI', scopes: ['bot'], expires_in: 3600 }],
  [200, 'POST /admin/tokens/verify', { token: 'VALUE', scopes: ['bot'] }],
  [200, 'POST /admin/tokens/verify', { token: 'VALUE', scopes: ['tx'] }],
  [400, 'POST /admin/tokens/verify', { token: 1 }],
  [201, 'POST /admin/tokens/token-3/rotate', { grace_period: 60 }],
  [400, 'POST /admin/tokens/token-3/rotate', { grace_period: '60' }],
  [404, 'POST /admin/tokens/token-9/rotate'],
  [200, 'GET /admin/users/user-1/tokens'],
  [200, 'HEAD /admin/users/user-1/tokens'],
  [404, 'GET /admin/users/user-9/tokens'],
  // After every request that creates a token, because a database may use up a key for it.
  [404, 'POST /admin/users/user-9/tokens'],
  [204, 'DELETE /admin/users/user-1/tokens'],
  [404, 'DELETE /admin/users/user-9/tokens'],
  [200, 'GET /admin/users/user-1/tokens'],
  [204, 'DELETE /admin/users/user-1'],
  [404, 'DELETE /admin/users/user-1'],
  [200, 'GET /admin/users?count=true']
]

const promised = [
  'content-type', 'cache-control', 'www-authenticate', 'location', 'link', 'x-total-count', 'retry-after'
]

/** Sends the requests, and returns the status, body and promised headers of each reply. */
async function conversation (app: FastifyInstance) {
  const replies = []
  let value = ''
  for (const [, request, payload, headers] of requests) {
    const [method, url] = request.split(' ') as ['GET', string]
    const body = typeof payload === 'object' ? JSON.stringify(payload).replace('VALUE', value) : payload
    const reply = await app.inject({
      method,
      url,
      headers: { 'x-admin-api-key': adminKey, ...(typeof payload === 'object' && json), ...headers },
      ...(body !== undefined && { payload: body })
    })
    value = /vex_[0-9A-Za-z]{36}/.exec(reply.body)?.[0] ?? value
    // Removed, because it is written some time after the use.
    const text = reply.body
      .replace(/,"last_used_at":"[^"]{24}"/g, '')
      .replace(/"(created_at|expires_at)":"[^"]{24}"/g, '"$1":"time"')
      .replace(value || '-', 'value')
    replies.push({
      request,
      status: reply.statusCode,
      body: text === '' ? '' : JSON.parse(text) as unknown,
      headers: Object.fromEntries(promised.map((name) => [name, reply.headers[name]]))
    })
  }
  return replies
}

const challenge = 'Bearer realm="api"'
const outcomes = {
  'no token': [401, challenge, undefined],
  garbage: [401, `${challenge}, error="invalid_token"`, undefined],
  'without the scope': [403, `${challenge}, error="insufficient_scope", scope="bot"`, undefined],
  'with the scope': [200, undefined, 'a@b'],
  'without scopes': [200, undefined, 'a@b'],
  'of a disabled user': [403, undefined, undefined]
}

/** Requests a route with `requireToken`, and returns the status, the challenge and the user of each reply. */
async function guardedRoute (app: FastifyInstance): Promise<Record<string, unknown[]>> {
  const { tokens, users } = app.vexaAdmin
  const { id } = await users.create({ email: 'a@b' })
  const ask = async (headers: Record<string, string>) => {
    const reply = await app.inject({ url: '/bots', headers })
    return [reply.statusCode, reply.headers['www-authenticate'], reply.headers['x-user']]
  }
  const { token } = await tokens.create(id)
  return {
    'no token': await ask({}),
    garbage: await ask({ authorization: 'Bearer garbage' }),
    'without the scope': await ask({ 'x-api-key': (await tokens.create(id, { scopes: ['tx'] })).token }),
    'with the scope': await ask({ 'x-api-key': (await tokens.create(id, { scopes: ['bot'] })).token }),
    'without scopes': await ask({ authorization: `Bearer ${token}` }),
    'of a disabled user': await users.update(id, { disabled: true }).then(() => ask({ 'x-api-key': token }))
  }
}

t.test("plugin: an error of the app's own hook keeps its status and stack", async (t) => {
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

t.test('plugin: returns 404 for an overlong id and for an unknown path', async (t) => {
  const app = Fastify({ routerOptions: { maxParamLength: 10 } })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  t.teardown(() => app.close())
  const codeOf = async (path: string) => (await app.inject({
    url: `/admin/users/${path}`,
    headers: { 'x-admin-api-key': adminKey }
  })).json().code
  t.equal(await codeOf('user-123456'), 'VEXA_ADMIN_ERR_USER_NOT_FOUND')
  t.equal(await codeOf('user-12345/nothing'), undefined)
})
