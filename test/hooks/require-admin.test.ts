import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { createConnection, type AddressInfo } from 'node:net'
import t from 'tap'
import { hear } from '../support/hear.js'
import { adminKey, build } from '../support/helpers.js'

const rejected = {
  statusCode: 401,
  code: 'VEXA_ADMIN_ERR_UNAUTHORIZED',
  error: 'Unauthorized',
  message: 'Admin key missing or not valid: send one in the header X-Admin-API-Key'
}

t.test('adminKeys: accepts a request that sends the key', async (t) => {
  const app = await build(t)
  const reply = await app.inject({ url: '/admin/users', headers: { 'X-Admin-API-Key': adminKey } })
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'no-store')
})

t.test('adminKeys: returns the same 401 for anything but the key', async (t) => {
  const app = await build(t)
  const headers: Record<string, Record<string, string | string[]>> = {
    missing: {},
    empty: { 'x-admin-api-key': '' },
    wrong: { 'x-admin-api-key': 'some-other-key-of-some-length' },
    'the beginning of the key': { 'x-admin-api-key': adminKey.slice(0, -1) },
    'one character more': { 'x-admin-api-key': adminKey + 'x' },
    'another case': { 'x-admin-api-key': adminKey.toUpperCase() },
    'the key twice': { 'x-admin-api-key': [adminKey, adminKey] },
    'the key and another': { 'x-admin-api-key': `${adminKey}, x` },
    latin1: { 'x-admin-api-key': 'caf\xe9-caf\xe9-caf\xe9-caf\xe9' },
    '15 KB': { 'x-admin-api-key': 'x'.repeat(15 * 1024) },
    'in another header': {
      authorization: `Bearer ${adminKey}`,
      'x-api-key': adminKey,
      cookie: `x-admin-api-key=${adminKey}`
    }
  }
  for (const [name, sent] of Object.entries(headers)) {
    const reply = await app.inject({ url: '/admin/users', headers: sent })
    t.equal(reply.statusCode, 401, name)
    t.same(reply.json(), rejected, name)
    t.match(reply.headers['www-authenticate'], /^ApiKey realm="admin"/, name)
    t.equal(reply.headers['cache-control'], 'no-store', name)
  }
  const reply = await app.inject({ url: '/admin/users', query: { 'X-Admin-API-Key': adminKey } })
  t.equal(reply.statusCode, 401, 'in the query string')
})

t.test('adminKeys: over a socket, ignores padding and rejects a second header', async (t) => {
  const app = await build(t)
  await app.listen({ port: 0 })
  const statusOf = (lines: string[]) => ask(app.server.address() as AddressInfo, [
    'GET /admin/users HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines
  ])
  t.match(await statusOf([`x-ADMIN-api-KEY:   ${adminKey}  `]), /^HTTP\/1.1 200 /)
  t.match(await statusOf([`X-Admin-API-Key: ${adminKey}`, `X-Admin-API-Key: ${adminKey}`]), /^HTTP\/1.1 401 /)
  t.match(await statusOf(['X-Admin-API-Key: é'.repeat(3)]), /^HTTP\/1.1 401 /)
})

t.test('adminKeys: accepts each of several keys', async (t) => {
  const keys = ['the-old-admin-key-1', 'the-new-admin-key-2']
  const app = await build(t, { adminKeys: keys })
  keys.push('a-key-added-later-on')
  const status = async (key: string) => (await app.inject({
    url: '/admin/users',
    headers: { 'x-admin-api-key': key }
  })).statusCode
  t.equal(await status('the-old-admin-key-1'), 200)
  t.equal(await status('the-new-admin-key-2'), 200)
  t.equal(await status('the-old-admin-key-1,the-new-admin-key-2'), 401)
  t.equal(await status('a-key-added-later-on'), 401, 'the options were copied')
})

t.test('adminKeys: accepts a key of which it has the SHA-256', async (t) => {
  const sha256 = (key: string) => crypto.createHash('sha256').update(key).digest('hex')
  const app = await build(t, {
    adminKeys: [
      { name: 'lower', sha256: sha256('the-first-admin-key-1') },
      { name: 'upper', sha256: sha256('the-second-admin-key-2').toUpperCase() },
      { name: 'short', sha256: sha256('too-short') },
      { name: 'with a line end', sha256: sha256('the-third-admin-key-3\n') },
      { name: 'two keys', sha256: sha256('the-first-admin-key-1, the-second-admin-key-2') }
    ]
  })
  const status = async (key: string | string[]) => (await app.inject({
    url: '/admin/users',
    headers: { 'x-admin-api-key': key }
  })).statusCode
  t.equal(await status('the-first-admin-key-1'), 200)
  t.equal(await status('the-second-admin-key-2'), 200)
  t.equal(await status('too-short'), 401, 'a key that is not long enough')
  t.equal(await status('the-third-admin-key-3'), 401)
  t.equal(await status('the-first-admin-key-1, the-second-admin-key-2'), 401)
  t.equal(await status(['the-first-admin-key-1', 'the-second-admin-key-2']), 401)
  t.equal(await status(sha256('the-first-admin-key-1')), 401, 'the SHA-256 is not a key')
})

t.test('adminKeys: compares any value with each key by timingSafeEqual', async (t) => {
  const compared: string[] = []
  const { timingSafeEqual } = crypto
  t.intercept(crypto, 'timingSafeEqual', {
    value: (expected: Buffer, digest: Buffer) => {
      compared.push(`${expected.toString('hex')} ${digest.toString('hex')}`)
      return timingSafeEqual(expected, digest)
    }
  })
  // Updates the imports by name.
  syncBuiltinESMExports()
  t.teardown(syncBuiltinESMExports)
  const keys = ['the-first-admin-key-1', 'the-second-admin-key-2', 'the-third-admin-key-3']
  const app = await build(t, { adminKeys: keys })
  const digestOf = (key: string) => crypto.createHash('sha256').update(key).digest('hex')
  for (const key of [...keys, keys.join(), 'the-first-admin-key-0', '']) {
    const reply = await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': key } })
    t.equal(reply.statusCode, keys.includes(key) ? 200 : 401, key)
    t.same(compared.splice(0), keys.map((expected) => `${digestOf(expected)} ${digestOf(key)}`), key)
  }
})

t.test('adminKeys: rejects each spelling of a path and each method without a key', async (t) => {
  const app = await build(t, {}, {
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false },
    useSemicolonDelimiter: true
  })
  const paths = [
    '/admin/users', '/admin/users/', '//admin//users', '/ADMIN/Users', '/%61dmin/users', '/admin/%75sers',
    '/admin/users;x=1', '/admin/users?x',
    '/admin/users/user-1', '/admin/users/user-1/tokens', '/admin/tokens/token-1', `/admin/users/${'x'.repeat(300)}`,
    '/admin/users/a/b/c'
  ]
  for (const url of paths) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const reply = await app.inject({ method, url })
      t.ok([401, 404].includes(reply.statusCode), `${method} ${url}: ${reply.statusCode}`)
      if (reply.statusCode === 404) t.match(reply.body, /Route .* not found|^$/, `${method} ${url} is no route of ours`)
    }
  }
  t.same(await app.vexaAdmin.users.list(), [])
})

t.test('adminKeys: rejects a request without a key before it reads the body', async (t) => {
  const app = await build(t)
  await app.listen({ port: 0 })
  // The announced body is never sent.
  const reply = await ask(app.server.address() as AddressInfo,
    ['POST /admin/users HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 1000000'])
  t.match(reply, /^HTTP\/1.1 401 /)
})

t.test('authorize: decides in place of keys', async (t) => {
  let answer: () => unknown = () => true
  const app = await build(t, { authorize: (request) => request.headers['x-who'] === 'me' && answer() as boolean })
  const get = () => app.inject({ url: '/admin/users', headers: { 'x-who': 'me' } })

  t.equal((await get()).statusCode, 200)
  answer = async () => true
  t.equal((await get()).statusCode, 200)
  for (const no of [false, undefined, 1, 'yes', Promise.resolve(false)]) {
    answer = () => no
    const reply = await get()
    t.same(reply.json(), {
      ...rejected,
      message: 'This app does not recognise the sender of the request as an admin: sign in as an admin'
    })
    t.ok(reply.headers['www-authenticate'])
  }
  answer = () => { throw Object.assign(new Error('The directory is down'), { statusCode: 502 }) }
  t.equal((await get()).statusCode, 502, "an error of the app's own keeps its status")
  for (const statusCode of [400, 401, 403, 404, 503]) {
    answer = () => { throw Object.assign(new Error('The directory says no'), { statusCode }) }
    const reply = await get()
    t.equal(reply.statusCode, statusCode)
    t.match(reply.json(), { statusCode, message: 'The directory says no' }, 'also if the error has no code')
  }
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 401)
})

t.test('authorize: accepts { actor, permissions? }, and returns 500 for another object', async (t) => {
  let answer: unknown
  const lines: string[] = []
  const app = await build(t, { authorize: () => answer as boolean }, {
    logger: { stream: { write: (line: string) => { lines.push(line) } } }
  })
  const get = () => app.inject({ url: '/admin/users' })
  for (answer of [{ actor: 'jane@example.com' }, Promise.resolve({ actor: 'J' }), { actor: 'é'.repeat(255) }, {
    actor: 'J', permissions: ['read']
  }]) {
    t.equal((await get()).statusCode, 200)
  }
  lines.length = 0
  const faults = [
    {}, [], { id: 7, name: 'Jane' }, { actor: undefined }, { actor: '' }, { actor: 7 }, { actor: ' Jane' },
    { actor: 'a\nb' }, { actor: 'x'.repeat(256) }, { actor: { name: 'Jane' } },
    { actor: 'Jane', requestId: 'forged' }, { actor: 'Jane', ip: '1.2.3.4' }, { actor: 'Jane', admin: true },
    { actor: 'Jane', permissions: ['read', 'read'] },
    { actor: 'Jane', permissions: ['read', 'Jane'] }, { actor: 'Jane', permissions: 'read' },
    { actor: 'Jane', permissions: null }, { permissions: ['read'] },
    new Date(), new Map([['actor', 'Jane']])
  ]
  for (answer of faults) {
    const reply = await get()
    t.match(reply.json(), {
      statusCode: 500,
      code: 'VEXA_ADMIN_ERR_INVALID_OPTION',
      message: /`authorize` must return true, false, or \{ actor, permissions\? \}/
    }, JSON.stringify(answer))
    t.notMatch(reply.body, /Jane/)
  }
  t.equal(lines.filter((line) => line.includes('`authorize` must return')).length, faults.length, 'the log has them')
  t.notMatch(lines.join(), /\.[jt]s:\d/, 'without a stack')
  answer = { actor: 'Jane', permissions: undefined }
  t.match((await get()).json(), { statusCode: 500, message: /`permissions` is undefined.*leave the member out/ })
  for (answer of [null, undefined, false, 0, '', 'Jane', () => true]) t.equal((await get()).statusCode, 401)
})

t.test('authorize: an admin with no permissions gets 403, and may read the settings', async (t) => {
  const app = await build(t, { authorize: () => ({ actor: 'Jane', permissions: [] }) })
  const heard = hear(t, 'fastify-vexa-admin:admin:rejected')
  for (const [method, path] of [
    ['GET', 'users'], ['POST', 'users'], ['DELETE', 'tokens/token-1'], ['POST', 'tokens/verify'], ['POST', 'introspect']
  ] as const) {
    const reply = await app.inject({ method, url: `/admin/${path}` })
    t.match(reply.json(), { statusCode: 403, code: 'VEXA_ADMIN_ERR_FORBIDDEN' }, path)
  }
  t.same(heard.map(({ reason, actor }) => `${reason} ${actor}`), Array(5).fill('FORBIDDEN Jane'))
  const settings = await app.inject({ url: '/admin/settings' })
  t.match([settings.statusCode, settings.json().key], [200, { name: 'Jane', permissions: [] }])
  t.same(settings.json().key.permissions, [])
})

/** Sends these lines as the head of a request, and resolves with the first bytes of the reply. */
function ask ({ port }: AddressInfo, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, 'localhost', () => socket.write(Buffer.from(lines.join('\r\n') + '\r\n\r\n')))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
