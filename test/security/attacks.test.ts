// Attacks and the replies to them. test/security/README.md lists all attacks and their tests.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { posix } from 'node:path'
import { unescape } from 'node:querystring'
import Fastify, {
  type FastifyInstance, type FastifyReply, type FastifyServerOptions, type InjectOptions, type LightMyRequestResponse
} from 'fastify'
import t from 'tap'
import { vexaAdmin } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { adminKey, build, call } from '../support/helpers.js'

const unauthorized = {
  statusCode: 401,
  code: 'VEXA_ADMIN_ERR_UNAUTHORIZED',
  error: 'Unauthorized',
  message: 'Admin key missing or not valid: send one in the header X-Admin-API-Key'
}

/** Sends bytes over a socket, and resolves with the whole reply when the server ends the connection. */
async function sendRaw (app: FastifyInstance, ...parts: Array<string | Buffer>): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let reply = ''
  socket.setEncoding('latin1').on('data', (data) => { reply += data })
  for (const part of parts) socket.write(part)
  await once(socket, 'close')
  return reply
}

const head = (method: string, path: string, ...headers: string[]) =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n')

/** Sends requests over one connection without the corrections of `inject`, and resolves with the replies. */
async function sendSpelt (
  app: FastifyInstance, requests: ReadonlyArray<readonly [method: string, path: string]>
): Promise<string[]> {
  const heads = requests.map(([method, path]) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const replies = (await sendRaw(app, ...heads, head('GET', '/'))).split(/(?=HTTP\/1\.1 \d{3} )/)
  return replies.slice(0, -1)
}

/** Returns a reply without its date. */
const whole = ({ statusCode, body, headers: { date, ...headers } }: LightMyRequestResponse) =>
  ({ statusCode, body, headers })

/** Builds an app with a user, a token, and a route that needs a token. */
async function buildWithToken (t: Parameters<typeof build>[0], options: Parameters<typeof build>[1] = {}) {
  const app = await build(t, options)
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const user = await app.vexaAdmin.users.create({ email: 'owner@example.com', name: 'Owner' })
  const token = await app.vexaAdmin.tokens.create(user.id)
  return { app, user, token }
}

t.test('admin key: near misses in any encoding get one and the same 401', async (t) => {
  const app = await build(t)
  const flipBit = (character: string, i: number) =>
    adminKey.slice(0, i) + String.fromCharCode(character.charCodeAt(0) ^ 1) + adminKey.slice(i + 1)
  const near = [
    ...Array.from(adminKey, flipBit), adminKey.slice(1), `${adminKey}\t`, `"${adminKey}"`, `Bearer ${adminKey}`,
    `${adminKey},`, `${adminKey};`, `${adminKey}%00`, encodeURIComponent(`${adminKey} `),
    Buffer.from(adminKey).toString('base64'), createHash('sha256').update(adminKey).digest('hex'), 'x'.repeat(15 * 1024)
  ]
  const replies = []
  for (const key of near) replies.push(await sendRaw(app, head('GET', '/admin/users', `X-Admin-API-Key: ${key}`)))
  // The key in full-width letters, whose UTF-8 bytes arrive as latin1; and with a byte of another encoding.
  const wide = [...adminKey].map((character) =>
    String.fromCodePoint(character === '-' ? 0xff0d : character.charCodeAt(0) + 0xfee0)).join('')
  for (const key of [
    Buffer.from(wide), Buffer.from([...Buffer.from(adminKey), 0xa0]),
    Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from(adminKey)])
  ]) {
    replies.push(await sendRaw(
      app, 'GET /admin/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Admin-API-Key: ', key, '\r\n\r\n'
    ))
  }
  for (const reply of replies) {
    const padded = reply.startsWith('HTTP/1.1 200')
    t.notOk(padded && !reply.includes('[]'), 'only padding is accepted, because it is no part of a value')
    if (padded) continue
    t.match(reply, /^HTTP\/1\.1 401 /)
    t.same(JSON.parse(reply.slice(reply.indexOf('{'))), unauthorized)
  }
  t.equal(replies.filter((reply) => reply.startsWith('HTTP/1.1 200')).length, 1, 'the key that ends in a tab')
  t.match(
    await sendRaw(app, head('GET', '/admin/users', `X-Admin-API-Key: ${adminKey}`, 'X-Admin-API-Key:')),
    /^HTTP\/1.1 401 /, 'and an empty second one'
  )
  t.match(
    await sendRaw(app, head('GET', '/admin/users', `X-Admin-API-Key: ${adminKey}`, 'x_admin_api_key: x')),
    /^HTTP\/1.1 200 /, 'an underscore makes another header'
  )
  t.match(
    await sendRaw(app, head('GET', '/admin/users', `X-Admin-API-Key: ${adminKey}\0`)), /^HTTP\/1.1 400 /,
    'NUL is no part of a header'
  )
})

t.test('credentials: are read from their own headers only', async (t) => {
  const { app, token } = await buildWithToken(t)
  const names = [
    'x-admin-api-key', 'X-Admin-API-Key', 'adminKey', 'admin_key', 'api_key', 'key', 'token', 'access_token'
  ]
  const smuggled: InjectOptions[] = [
    ...names.map((name) => ({ query: { [name]: adminKey } })),
    ...names.map((name) => ({ method: 'POST' as const, payload: { email: 'x@y', [name]: adminKey } })),
    ...names.map((name) => ({ headers: { cookie: `${name}=${adminKey}` } })),
    ...[
      'authorization', 'proxy-authorization', 'x-api-key', 'x-forwarded-user', 'x-original-x-admin-api-key',
      'x-admin-api-key-', 'x-admin-apikey', 'api-key', 'x-http-authorization', 'x-real-ip', 'x-forwarded-for'
    ]
      .flatMap((name) =>
        [adminKey, `Bearer ${adminKey}`, '127.0.0.1'].map((value) => ({ headers: { [name]: value } }))),
    ...['x-http-method-override', 'x-http-method', 'x-method-override'].map((name) =>
      ({ method: 'POST' as const, headers: { [name]: 'OPTIONS' }, query: { _method: 'OPTIONS' } })),
    ...['x-original-url', 'x-rewrite-url', 'x-forwarded-prefix', 'x-forwarded-uri'].map((name) =>
      ({ headers: { [name]: '/' } })),
    { headers: { 'x-admin-api-key': token.token } },
    { headers: { 'x-admin-api-key': token.id, 'x-api-key': token.token, authorization: `Bearer ${token.token}` } }
  ]
  for (const options of smuggled) {
    const reply = await app.inject({ url: '/admin/users', ...options })
    t.same(
      reply.json(), unauthorized, JSON.stringify(options).replaceAll(adminKey, 'KEY').replaceAll(token.token, 'TOKEN')
    )
  }
  t.same((await app.vexaAdmin.users.list()).length, 1)
  // An admin key is no API token, either.
  for (const headers of [
    { 'x-api-key': adminKey }, { authorization: `Bearer ${adminKey}` }, { 'x-admin-api-key': adminKey }
  ]) {
    t.equal((await app.inject({ url: '/me', headers })).statusCode, 401)
  }
  for (const name of ['token', 'access_token', 'x-api-key', 'api_key']) {
    t.equal((await app.inject({ url: '/me', query: { [name]: token.token } })).statusCode, 401)
  }
})

t.test('method and path: no header, query or body overrides them', async (t) => {
  const { app, user } = await buildWithToken(t)
  const other = await app.vexaAdmin.users.create({ email: 'other@example.com' })
  const before = [await app.vexaAdmin.users.get(user.id), await app.vexaAdmin.users.get(other.id)]
  const headers = [
    ...['x-http-method-override', 'x-http-method', 'x-method-override'].flatMap((name) =>
      ['DELETE', 'delete', 'PATCH'].map((value) => ({ [name]: value }))),
    ...['x-original-url', 'x-rewrite-url', 'x-original-uri', 'x-forwarded-uri', 'x-forwarded-path'].flatMap((name) =>
      ['/me', `/admin/users/${other.id}`].map((value) => ({ [name]: value }))),
    {
      'x-http-method-override': 'DELETE',
      'x-original-url': `/admin/users/${other.id}`,
      'x-rewrite-url': `/admin/users/${other.id}`
    }
  ]
  const requests: Array<['DELETE' | 'GET' | 'PATCH' | 'POST', string, object?]> = [
    ['GET', '/admin/users'], ['GET', '/admin/users/user-1'], ['GET', '/admin/users/user-1/tokens'],
    ['GET', '/admin/users/email/owner@example.com'], ['GET', '/admin/tokens/token-1'],
    ['POST', '/admin/users', { email: user.email }], ['POST', '/admin/users/user-1', {}],
    ['POST', '/admin/tokens/token-1', {}], ['POST', '/admin/users/user-9/tokens', {}],
    ['PATCH', '/admin/users/user-1', { name: user.name }], ['DELETE', '/admin/users/user-9'],
    ['DELETE', '/admin/tokens/token-9']
  ]
  for (const [method, url, payload] of requests) {
    const send = async (options: InjectOptions) => {
      const reply = whole(await call(app, method, url, { ...(payload && { payload }), ...options }))
      // Each update gives the user another tag.
      return method === 'PATCH' ? { ...reply, headers: { ...reply.headers, etag: undefined } } : reply
    }
    const plain = await send({})
    for (const override of headers) {
      t.same(await send({ headers: override }), plain, `${method} ${url} ${JSON.stringify(override)}`)
    }
    const ways: Array<(name: string) => InjectOptions> = [
      (name) => ({ query: { [name]: 'DELETE' } }),
      (name) => ({ payload: { ...payload, [name]: 'DELETE' } }),
      (name) => ({ payload: `${name}=DELETE`, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    ]
    for (const way of ways) {
      const meaningless = await send(way('_nobody'))
      t.same(await send(way('_method')), {
        ...meaningless, body: meaningless.body.replaceAll('_nobody', '_method')
      }, `${method} ${url} ${JSON.stringify(way('_method'))}`)
    }
  }
  t.same([await app.vexaAdmin.users.get(user.id), await app.vexaAdmin.users.get(other.id)], before)
})

/** Returns the options of a router with a constraint that some requests have, but no route of the plugin. */
const tenant = (mustMatchWhenDerived: boolean): FastifyServerOptions => ({
  routerOptions: {
    constraints: {
      tenant: {
        name: 'tenant',
        mustMatchWhenDerived,
        storage: () => ({ get: () => null, set: () => {} }),
        validate: () => {},
        deriveConstraint: ({ url = '' }) => url.includes('x') ? 'x' : undefined as never
      }
    }
  }
})

const rejectUrl = (statusCode: number) => (path: string, _request: unknown, reply: ServerResponse) => {
  reply.statusCode = statusCode
  reply.end(`Not ${path}`)
}

const hosts: Record<string, FastifyServerOptions> = {
  'as it is': {},
  ignoreTrailingSlash: { routerOptions: { ignoreTrailingSlash: true } },
  ignoreDuplicateSlashes: { routerOptions: { ignoreDuplicateSlashes: true } },
  caseSensitive: { routerOptions: { caseSensitive: false } },
  useSemicolonDelimiter: { routerOptions: { useSemicolonDelimiter: true } as object },
  allowUnsafeRegex: { routerOptions: { allowUnsafeRegex: true } },
  'maxParamLength, long': { routerOptions: { maxParamLength: 5000 } },
  'maxParamLength, short': { routerOptions: { maxParamLength: 3 } },
  compile: { routerOptions: { compile: true } },
  'constraints, which may match': tenant(false),
  'constraints, which must match': tenant(true),
  defaultRoute: { routerOptions: { defaultRoute: ({ url = '' }, reply) => rejectUrl(404)(url, undefined, reply) } },
  onBadUrl: { routerOptions: { onBadUrl: rejectUrl(400) } },
  onMaxParamLength: { routerOptions: { maxParamLength: 10, onMaxParamLength: rejectUrl(414) } },
  querystringParser: { routerOptions: { querystringParser: (text) => ({ 'x-admin-api-key': adminKey, text }) } },
  buildPrettyMeta: { routerOptions: { buildPrettyMeta: () => ({}) } as object },
  'rewriteUrl, as it is': { rewriteUrl: ({ url = '' }) => url },
  'rewriteUrl, put right': {
    rewriteUrl: ({ url = '' }) =>
      URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost').pathname : '/'
  },
  'rewriteUrl, decoded': { rewriteUrl: ({ url = '' }) => posix.normalize(unescape(url).replaceAll('\\', '/')) },
  frameworkErrors: { frameworkErrors: (_error, _request, reply: FastifyReply) => { reply.code(400).send('no') } },
  'all that forgive': {
    routerOptions: {
      compile: true,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: false,
      useSemicolonDelimiter: true,
      maxParamLength: 5000
    } as object
  }
}

const spellings = [
  '/users', '/users/user-1', '/users/email/owner@example.com', '/users/user-1/tokens', '/tokens/token-1',
  '/tokens/token-1/rotate', '/tokens/verify'
].flatMap((path) => [
  '', '/', ';x=1', '?x=1', '#x', '%00', '%20', '.json', '%', '%zz', '%2f', '\\', '/.', '/..', `/${'x'.repeat(200)}`,
  '?/./', '?/../', '?\\', '?//', '?;', '?http://localhost/', '?x=/%2e%2e/', '?%', '#/../', '/x/..', '/./x'
].map((end) => `/admin${path}${end}`).concat([
  `//admin${path}`, `/admin/${path}`, `/ADMIN${path.toUpperCase()}`, `/admin/.${path}`, `/x/../admin${path}`,
  `/admin/x/..${path}`, `/admin/%2e${path}`, `/x/%2e%2e/admin${path}`, `/%61dmin${path}`, `/%2561dmin${path}`,
  `/admin${path.replace('s', '%73')}`, `/admin%2f${path.slice(1)}`, `/admin${path.replaceAll('/', '\\')}`,
  `/\\admin${path}`, `/admin;x=1${path}`, `/admin%3b${path}`, `http://localhost/admin${path}`,
  `HTTPS://user@localhost:1/admin${path}`, `http://localhost/x/../admin${path}`, `http://localhost/admin${path}?/../`,
  `http:///admin${path}`, `x://localhost/admin${path}`
])).concat(
  '/admin/users/../tokens', '/admin/users/..\\tokens', '/admin/users/./tokens', '/admin/tokens/./rotate',
  '/admin/tokens/..\\x', '/admin/users/email/./../x'
)

t.test('paths: no spelling avoids the admin key, under any option of the router', async (t) => {
  const requests = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'].flatMap((method) =>
    spellings.map((path) => [method, path] as const))
  for (const [name, server] of Object.entries(hosts)) {
    const app = await build(t, {}, server)
    const { id } = await app.vexaAdmin.users.create({ email: 'owner@example.com', name: 'Secret' })
    await app.vexaAdmin.tokens.create(id)
    const before = await app.vexaAdmin.users.get(id)
    const replies = await sendSpelt(app, requests)
    t.equal(replies.length, requests.length)
    const statuses: Record<string, number> = {}
    for (const [i, reply] of replies.entries()) {
      const status = reply.slice(9, 12)
      statuses[status] = (statuses[status] ?? 0) + 1
      // Replies of the plugin have `no-store`; all others come from the router.
      const expected = reply.includes('\ncache-control: no-store') ? ['401'] : ['400', '404', '414']
      if (!expected.includes(status) || reply.includes('Secret')) t.fail(`${name}: ${requests[i]?.join(' ')}: ${reply}`)
    }
    t.ok((statuses['401'] ?? 0) > 200, `${name}: ${JSON.stringify(statuses)}`)
    t.equal((await app.vexaAdmin.users.list()).length, 1)
    t.same(await app.vexaAdmin.users.get(id), before)
  }
})

t.test('two registrations: each rejects the keys and tokens of the other', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const keys = { one: 'the-admin-key-of-one', two: 'the-admin-key-of-two' }
  const issued: Record<string, string> = {}
  for (const [name, key] of Object.entries(keys)) {
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, {
        adminKeys: key, prefix: `/${name}`, storage: emptyStorage(t), tokenCache: { ttl: 60_000 }
      })
      scope.get(`/${name}/me`, { onRequest: scope.vexaAdmin.requireToken() }, async (request) => request.apiUser)
      issued[name] = (await scope.vexaAdmin.tokens.create(
        (await scope.vexaAdmin.users.create({ email: `${name}@x` })).id
      )).token
    })
  }
  for (const at of Object.keys(keys)) {
    for (const [of, key] of Object.entries(keys)) {
      t.equal(
        (await app.inject({ url: `/${at}/users`, headers: { 'x-admin-api-key': key } })).statusCode,
        at === of ? 200 : 401
      )
      t.equal(
        (await app.inject({ url: `/${at}/me`, headers: { 'x-api-key': issued[of] as string } })).statusCode,
        at === of ? 200 : 401
      )
    }
  }
})

t.test('existence: without an admin key, each user and token gets the same reply', async (t) => {
  const { app, token } = await buildWithToken(t)
  const overlong = 'x'.repeat(200)
  const requests: Array<['DELETE' | 'GET' | 'PATCH' | 'POST', paths: string[], payload?: object]> = [
    ['GET', ['users', 'users?search=owner', 'users/email/owner@example.com', 'users/email/nobody@example.com']],
    ...(['GET', 'PATCH', 'DELETE'] as const).map((method) => [
      method, ['users/user-1', 'users/user-2', 'users/no-id-at-all', `users/${overlong}`], { name: 'x' }
    ] as [typeof method, string[], object]),
    ...(['GET', 'POST', 'DELETE'] as const).map((method) => [method, [
      'users/user-1/tokens', 'users/user-2/tokens', 'users/no-id-at-all/tokens'
    ]] as [typeof method, string[]]),
    ['DELETE', ['tokens/token-1', 'tokens/token-2', 'tokens/no-id-at-all', `tokens/${overlong}`]],
    ['POST', ['tokens/token-1/rotate', 'tokens/token-2/rotate', 'tokens/no-id-at-all/rotate'], { grace_period: 1 }],
    ['POST', ['tokens/verify'], { token: token.token }], ['POST', ['tokens/verify'], { token: 'vex_nobody' }],
    ['POST', ['users'], { email: 'owner@example.com' }], ['POST', ['users'], { email: 'nobody@example.com' }]
  ]
  const expected = whole(await app.inject('/admin/users'))
  t.same(JSON.parse(expected.body), unauthorized)
  for (const [method, paths, payload] of requests) {
    for (const path of paths) {
      for (const headers of [{}, { 'x-admin-api-key': 'some-other-key-of-some-length' }]) {
        t.same(
          whole(await app.inject({ method, url: `/admin/${path}`, headers, ...(payload && { payload }) })), expected,
          `${method} ${path}`
        )
      }
    }
  }
})

for (const tokenCache of [undefined, false, { ttl: 60_000 }] as const) {
  t.test(`invalid tokens: each gets the same reply when tokenCache is ${JSON.stringify(tokenCache)}`, async (t) => {
    const { app, user, token: revoked } = await buildWithToken(t, { tokenCache })
    const { tokens } = app.vexaAdmin
    const expired = await tokens.create(user.id, { expires_in: 1 })
    const { token: valid } = await tokens.create(user.id)
    const { token: unknown } = (await buildWithToken(t)).token
    const ask = async (headers: Record<string, string>) => whole(await app.inject({ url: '/me', headers }))
    for (const { token } of [revoked, expired]) t.equal((await ask({ 'x-api-key': token })).statusCode, 200)
    await tokens.revoke(revoked.id)
    t.equal((await ask({ 'x-api-key': expired.token })).statusCode, 200)
    const { now } = Date
    t.intercept(Date, 'now', { value: () => now() + 1000 })
    t.same(await tokens.verify({ token: expired.token }), { valid: false, code: 'EXPIRED' })

    const garbage = await ask({ 'x-api-key': 'garbage' })
    t.match(garbage, { statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' } })
    const misspelt = valid.slice(0, -1) + (valid.endsWith('0') ? '1' : '0')
    for (const [name, token] of Object.entries({ unknown, revoked: revoked.token, expired: expired.token, misspelt })) {
      t.same(await ask({ 'x-api-key': token }), garbage, name)
      t.same(await ask({ authorization: `Bearer ${token}` }), garbage, name)
    }
    t.equal((await ask({ 'x-api-key': valid })).statusCode, 200)
  })
}

t.test('text: lookalikes differ, and two spellings of one text are equal', async (t) => {
  const app = await build(t)
  const create = async (email: string) => (await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode
  t.equal(await create('kay@example.com'), 201)
  // The lower case of the Kelvin sign is the letter k. The full-width k is another letter.
  t.equal(await create('\u212aay@example.com'), 409)
  t.equal(await create('\uff4bay@example.com'), 201)
  t.equal(await create('k\u0430y@example.com'), 201, 'a Cyrillic a')
  t.equal(await create('andr\u00e9@example.com'), 201, 'NFC')
  t.equal(await create('andre\u0301@example.com'), 409, 'NFD')
  // Lower case may leave NFC: there is no capital J with a caron to compose.
  t.equal(await create('\u01f0@x'), 201)
  t.equal(await create('J\u030c@x'), 409)
  for (const spelling of ['\u01f0@x', 'j\u030c@x', 'J\u030c@x']) {
    t.equal(
      (await call(app, 'GET', `/admin/users/email/${encodeURIComponent(spelling)}`)).json().email, '\u01f0@x',
      'found in either spelling'
    )
  }
  for (const email of ['a\0@b', 'a\ud800@b', 'a b@c', 'a\ufeff@b', 'a\r\n@b']) {
    t.equal(await create(email), 400, JSON.stringify(email))
  }
  for (const text of ['a\0', '\udfff']) {
    for (const payload of [
      { name: text }, { data: { text } }, { data: { [text]: 1 } }, { data: { deep: [{ text }] } }
    ]) {
      t.equal((await call(app, 'PATCH', '/admin/users/user-1', { payload })).statusCode, 400, JSON.stringify(payload))
    }
  }
  for (const mark of ['\u200b', '\u202e', '\u2066']) t.equal(await create(`a${mark}@b`), 400, JSON.stringify(mark))
})

t.test('text: characters of SQL, LIKE and JSON have no special meaning', async (t) => {
  const app = await build(t)
  const hostile = [
    "'; drop table vexa_users; --", "' or '1'='1", '" or ""="', '1); delete from vexa_tokens; --', '\\', "\\'", '%',
    '_', '[a-z]', '$1', '?', ':id', '@id', '`', '/*', '--', '#', '{{1}}', '<script>', '\u2028', '\u02bc or 1=1'
  ]
  for (const [i, text] of hostile.entries()) {
    const payload = { email: `user${i}@example.com`, name: text, data: { [text]: text } }
    const reply = await call(app, 'POST', '/admin/users', { payload })
    t.equal(reply.statusCode, 201, text)
    t.match((await call(app, 'GET', `/admin/users/user-${i + 1}`)).json(), payload, text)
    t.match((await call(app, 'PATCH', `/admin/users/user-${i + 1}`, {
      payload: { name: text, data: { more: text } }
    })).json(), { name: text, data: { more: text } }, text)
    const token = (await call(app, 'POST', `/admin/users/user-${i + 1}/tokens`, { payload: { name: text } })).json()
    t.equal(token.name, text)
    const found = (await call(app, 'GET', `/admin/users?search=${encodeURIComponent(text)}`)).json()
    t.ok(found.some(({ id }: { id: string }) => id === `user-${i + 1}`), text)
    t.ok(
      found.every((user: { name: string, email: string }) => user.name.includes(text) || user.email.includes(text)),
      `${text} is no wildcard`
    )
    for (const url of [
      `/admin/users/${encodeURIComponent(text)}`, `/admin/users/email/${encodeURIComponent(text)}`,
      `/admin/users/user-${encodeURIComponent(text)}`
    ]) {
      t.equal((await call(app, 'GET', url)).statusCode, 404, url)
    }
  }
  t.equal((await app.vexaAdmin.users.list()).length, hostile.length)
})

t.test('members: those that a client may not set are rejected in every body', async (t) => {
  const { app, user, token } = await buildWithToken(t)
  const own = [
    'id', 'user_id', 'created_at', 'revision', 'api_tokens', 'hash', 'token', 'last_used_at', 'expires_at', 'is_admin',
    'role', 'constructor', 'prototype', 'toString', 'hasOwnProperty'
  ]
  for (const [url, method, valid] of [
    ['/admin/users', 'POST', { email: 'other@example.com' }], ['/admin/users/user-1', 'PATCH', { name: 'x' }],
    ['/admin/users/user-1/tokens', 'POST', { name: 'x' }], ['/admin/tokens/token-1/rotate', 'POST', { grace_period: 1 }]
  ] as const) {
    for (const name of own) {
      const reply = await call(app, method, url, { payload: { ...valid, [name]: 'x' } })
      t.equal(reply.statusCode, 400, `${method} ${url} ${name}`)
    }
  }
  t.same(await app.vexaAdmin.users.get(user.id), { ...user, api_tokens: [{ ...token, token: '***' }] })
  const proto = {
    payload: '{"email":"p@x","data":{"__proto__":{"polluted":1}}}', headers: { 'content-type': 'application/json' }
  }
  t.equal((await call(app, 'POST', '/admin/users', proto)).statusCode, 400)
  const constructor = { email: 'c@x', data: { constructor: { name: 'x' } } }
  t.match((await call(app, 'POST', '/admin/users', { payload: constructor })).json(), {
    data: { constructor: { name: 'x' } }
  }, 'without `prototype` it is a plain name')
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

t.test('bodies: those that parsers read differently are rejected', async (t) => {
  const app = await build(t)
  const post = (payload: string | Buffer, type = 'application/json') =>
    call(app, 'POST', '/admin/users', { payload, headers: { 'content-type': type } })
  t.equal(
    (await post(Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('{"email":"bom@x"}')]))).statusCode, 201,
    'a byte order mark is ignored'
  )
  const rejected: Array<[string, string | Buffer]> = [
    ['a duplicate member', '{"email":"first@x","email":"last@x"}'],
    ['UTF-16', Buffer.from('{"email":"a@b"}', 'utf16le')],
    ['a byte that is not UTF-8', Buffer.from('{"email":"a\xff@b"}', 'latin1')],
    ['an overlong sequence', Buffer.from([...Buffer.from('{"email":"a'), 0xc0, 0xaf, ...Buffer.from('@b"}')])],
    ['an encoded surrogate', Buffer.from([...Buffer.from('{"email":"a'), 0xed, 0xa0, 0x80, ...Buffer.from('@b"}')])],
    ['NaN', '{"email":"a@b","max_concurrent_bots":NaN}'],
    ['a hexadecimal number', '{"email":"a@b","max_concurrent_bots":0x10}'],
    ['minus zero as text', '{"email":"a@b","max_concurrent_bots":"-0"}'],
    ['2^53', '{"email":"a@b","max_concurrent_bots":9007199254740992}'], ['a comment', '{"email":"a@b"}//'],
    ['single quotes', "{'email':'a@b'}"], ['a comma at the end', '{"email":"a@b",}']
  ]
  for (const [name, payload] of rejected) t.equal((await post(payload)).statusCode, 400, name)
  for (const type of [
    'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/xml', 'application/jsonp',
    'application/json-patch+json', ''
  ]) {
    t.ok([400, 415].includes((await post('{"email":"t@x"}', type)).statusCode), type)
  }
  t.equal((await post('{"email":"zero@x","max_concurrent_bots":-0}')).json().max_concurrent_bots, 0)
  t.same((await app.vexaAdmin.users.list()).map(({ email }) => email), ['bom@x', 'zero@x'])
})

t.test('HEAD and OPTIONS: reveal nothing without an admin key', async (t) => {
  const { app } = await buildWithToken(t)
  for (const path of ['users', 'users/user-1', 'users/user-1/tokens', 'users/email/owner@example.com']) {
    const head = await app.inject({ method: 'HEAD', url: `/admin/${path}` })
    t.equal(head.statusCode, 401)
    t.equal(head.headers['x-total-count'], undefined)
    const whole = await call(app, 'HEAD', `/admin/${path}`)
    t.equal(whole.statusCode, 200)
    t.equal(whole.body, '')
    t.equal((await app.inject({ method: 'OPTIONS', url: `/admin/${path}` })).statusCode, 404)
  }
  t.equal((await app.inject({ method: 'HEAD', url: '/me' })).statusCode, 401)
})
