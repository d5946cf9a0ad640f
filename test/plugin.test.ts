import { once } from 'node:events'
import { existsSync, realpathSync, symlinkSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import defaultExport, { sqliteStorage, vexaAdmin, type StorageAdapter } from '../src/index.js'
import { MemoryStorage } from '../examples/custom-storage.js'
import { emptyStorage } from './support/databases.js'
import { answering, faultyStorage, throwing } from './support/faulty-storage.js'
import { adminKey, build, call, nextOf, resolve } from './support/helpers.js'

t.test('vexaAdmin: is the default export and a named one', async (t) => {
  t.equal(defaultExport, vexaAdmin)
})

t.test("plugin: decorates the app, and leaves the app's own routes alone", async (t) => {
  const app = await build(t)
  app.get('/', async () => ({ hello: 'world' }))
  app.post('/echo', async (request) => request.body)
  t.ok(app.hasDecorator('vexaAdmin'))
  const reply = await app.inject('/')
  t.same(reply.json(), { hello: 'world' })
  t.equal(reply.headers['cache-control'], undefined)
  t.equal((await app.inject({
    method: 'POST',
    url: '/echo',
    payload: 'text',
    headers: { 'content-type': 'text/plain' }
  })).body, 'text')
  t.equal((await app.inject({
    method: 'POST',
    url: '/echo',
    payload: '',
    headers: { 'content-type': 'application/json' }
  })).statusCode, 400)
  t.equal((await app.inject('/admin')).statusCode, 404)
})

t.test('storage: is vexa-admin.db when the option is absent', async (t) => {
  const directory = t.testdir()
  const previous = process.cwd()
  t.teardown(() => process.chdir(previous))
  process.chdir(directory)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(vexaAdmin, { adminKeys: adminKey })
  t.ok(existsSync(join(directory, 'vexa-admin.db')))
})

/** Starts an app, and returns the log messages about its storage, and the replies of two routes. */
async function startMessages (t: Test, storage?: StorageAdapter) {
  const messages: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => { messages.push(JSON.parse(line).msg) } } } })
  t.teardown(() => app.close())
  await app.register(vexaAdmin, { adminKeys: adminKey, ...(storage && { storage }) })
  const replies = await Promise.all(
    ['/users', '/users/user-1'].map(async (path) => (await call(app, 'GET', `/admin${path}`)).body)
  )
  return { about: messages.filter((message) => message.startsWith('Users and tokens')), replies: replies.join() }
}

t.test('log: names the database file once when the app starts', async (t) => {
  const directory = realpathSync(t.testdir({ elsewhere: {} }))
  const previous = process.cwd()
  t.teardown(() => process.chdir(previous))
  process.chdir(directory)
  const { about, replies } = await startMessages(t)
  t.same(about, [`Users and tokens are kept in ${join(directory, 'vexa-admin.db')}`])
  t.notMatch(replies, directory, 'no reply names it')
  t.same((await startMessages(t, sqliteStorage({ filename: './elsewhere/../a.db' }))).about, [
    `Users and tokens are kept in ${join(directory, 'a.db')}`
  ])
  symlinkSync(join(directory, 'elsewhere'), join(directory, 'link'))
  t.same((await startMessages(t, sqliteStorage({ filename: 'link/a.db' }))).about, [
    `Users and tokens are kept in ${join(directory, 'elsewhere', 'a.db')}`
  ])
})

t.test('log: says that the data is in memory when SQLite has no file', async (t) => {
  t.same((await startMessages(t, sqliteStorage({ filename: ':memory:' }))).about, [
    'Users and tokens are kept in memory, and are gone when the app closes'
  ])
})

t.test('log: names no place when the storage is not SQLite', async (t) => {
  t.same((await startMessages(t, new MemoryStorage())).about, [])
})

t.test('plugin: a second registration in one scope throws', async (t) => {
  const app = await build(t)
  await t.rejects(async () => {
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), prefix: '/other' })
  }, { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

t.test('plugin: registrations in two scopes have their own keys and storage', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const keys = { one: 'the-key-of-number-one', two: 'the-key-of-number-two' }
  for (const [name, key] of Object.entries(keys)) {
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: key, storage: emptyStorage(t), prefix: `/${name}` })
      await scope.vexaAdmin.users.create({ email: `${name}@x` })
    })
  }
  const users = (path: string, key: string) => app.inject({ url: path, headers: { 'x-admin-api-key': key } })
  t.match((await users('/one/users', keys.one)).json(), [{ id: 'user-1', email: 'one@x' }])
  t.match((await users('/two/users', keys.two)).json(), [{ id: 'user-1', email: 'two@x' }])
  t.equal((await users('/one/users', keys.two)).statusCode, 401)
  t.equal((await users('/two/users', keys.one)).statusCode, 401)
  t.notOk(app.hasDecorator('vexaAdmin'))
})

t.test('plugin: a registration in an inner scope has its own keys and storage', async (t) => {
  const app = await build(t)
  const key = 'the-key-of-the-inner-one'
  await app.register(async (scope) => {
    await scope.register(vexaAdmin, { adminKeys: key, storage: emptyStorage(t) })
    await scope.vexaAdmin.users.create({ email: 'inner@x' })
  }, { prefix: '/inner' })
  t.equal((await call(app, 'GET', '/inner/admin/users')).statusCode, 401)
  t.match((await app.inject({
    url: '/inner/admin/users',
    headers: { 'x-admin-api-key': key }
  })).json(), [{ email: 'inner@x' }])
  t.same((await call(app, 'GET', '/admin/users')).json(), [])
})

t.test('Location, Link: resolve against the URL of the request', async (t) => {
  const server: FastifyServerOptions = {
    // Strips a path, as a proxy does.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/stripped(?=\/)/, ''),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
  }
  for (const [host, prefix, path] of [
    ['', '', ''], ['', '/admin', '/admin'], ['', '/admin', '/stripped/admin'], ['', '/admin', '//admin//'],
    ['', '/admin', '/ADMIN'], ['', '/admin', '/%61dmin'], ['/v1', '/admin', '/v1/admin'],
    ['/:tenant', '/admin', '/acme%20corp/admin'], ['/\u00e9', '', '/%C3%A9'],
    ['/\u65e5\u672c', '', '/%E6%97%A5%E6%9C%AC'], ['/@acme/::v1', '', '/@acme/:v1'], ['/:tenant(^\\d+)', '', '/12'],
    ['/:a-:b', '', '/x-y%25'], ['/org-:tenant.:x/y', '', '/org-a%2Fb.x/y'],
    ['/:a((?:x|\\))+)z:b/:c', '', '/x)xzq/%E2%82%AC']
  ] as const) {
    const app = Fastify(server)
    t.teardown(() => app.close())
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), prefix })
    }, { prefix: host })
    const urls = [`${path}/users`, `${path}/users?`, `${path}/users/`, `${path}/users/?`]
    for (const [i, url] of urls.entries()) {
      const { statusCode, headers } = await call(app, 'POST', url, { payload: { email: `${i}@x` } })
      t.equal(statusCode, 201, url)
      t.match(headers.location, /^(users\/)?user-\d+$/)
      t.match((await call(app, 'GET', resolve(url, headers.location))).json(), { email: `${i}@x` }, url)
    }
    for (const url of [`${path}/users?limit=1`, `${path}/users/?limit=1&skip=0`]) {
      const emails: string[] = []
      for (let next: string | undefined = url; next !== undefined;) {
        const reply = await call(app, 'GET', next)
        emails.push(...reply.json().map(({ email }: { email: string }) => email))
        next = nextOf(next, reply.headers.link)
      }
      t.same(emails, ['0@x', '1@x', '2@x', '3@x'], url)
    }
  }
})

t.test('Location: resolves against the URL of the request when rewriteUrl is set', async (t) => {
  const rewritten = Fastify({
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/people/, '/admin/users'),
    useSemicolonDelimiter: true
  })
  t.teardown(() => rewritten.close())
  await rewritten.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  for (const [i, url] of ['/people', '/admin/users', '/people?', '/admin/users;'].entries()) {
    const { headers, statusCode } = await call(rewritten, 'POST', url, { payload: { email: `${i}@x` } })
    t.equal(statusCode, 201, url)
    t.match((await call(rewritten, 'GET', resolve(url, headers.location))).json(), { email: `${i}@x` }, url)
  }
})

t.test('plugin: an onRoute hook of the app removes none of our hooks', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRoute', (route) => {
    Object.assign(route, { preValidation: async () => {}, onRequest: async () => {} })
  })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  t.equal((await app.inject('/admin/users')).statusCode, 401)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  t.equal((await call(app, 'POST', '/admin/users/user-1/tokens')).statusCode, 201)
})

t.test('plugin: the start fails when the app has a route of the same path', async (t) => {
  for (const path of ['/users', '/tokens/verify', '/settings', '/tokens/*']) {
    const app = Fastify()
    app.route({ method: ['GET', 'POST'], url: path, handler: async () => 'own' })
    const options = { adminKeys: adminKey, storage: emptyStorage(t), prefix: '' }
    await t.rejects(async () => { await app.register(vexaAdmin, options) }, { code: 'FST_ERR_DUPLICATED_ROUTE' }, path)
    await app.close()
  }
})

t.test('storage: opens once, and closes with the app or a failed start', async (t) => {
  const calls: string[] = []
  const storage = (fails: boolean) => faultyStorage(emptyStorage(t), {
    open: async () => { calls.push('open'); if (fails) throw new Error('no') },
    close: async () => { calls.push('close') }
  })
  const app = Fastify()
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: storage(false) })
  t.same(calls.splice(0), ['open'])
  await app.close()
  await app.close()
  t.same(calls.splice(0), ['close'])

  const failing = Fastify()
  await t.rejects(async () => { await failing.register(vexaAdmin, { adminKeys: adminKey, storage: storage(true) }) },
    { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /cannot be opened: no/, cause: { message: 'no' } })
  await failing.close()
  t.same(calls, ['open', 'close'])

  const coded = Fastify()
  const misplaced = sqliteStorage({ filename: join(t.testdir(), 'missing', 'admin.db') })
  await t.rejects(async () => { await coded.register(vexaAdmin, { adminKeys: adminKey, storage: misplaced }) }, {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: /^fastify-vexa-admin: the storage cannot be opened: SQLite cannot open/
  })
  await coded.close()

  const rejecting = Fastify()
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const unreachable = faultyStorage(emptyStorage(t), { open: throwing(refused), close: answering(undefined) })
  await t.rejects(async () => { await rejecting.register(vexaAdmin, { adminKeys: adminKey, storage: unreachable }) },
    { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: 'fastify-vexa-admin: the storage cannot be opened: refused' })
  await rejecting.close()

  for (const thrown of ['a text', undefined]) {
    const odd = Fastify()
    const storage = faultyStorage(emptyStorage(t), { open: () => { throw thrown }, close: answering(undefined) })
    await t.rejects(async () => { await odd.register(vexaAdmin, { adminKeys: adminKey, storage }) },
      { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: `fastify-vexa-admin: the storage cannot be opened: ${thrown}` })
    await odd.close()
  }
})

t.test('plugin: returns 503 with Retry-After when handlerTimeout expires first', async (t) => {
  const stored = emptyStorage(t)
  const storage = faultyStorage(stored, { countUsers: async () => { await sleep(200); return stored.countUsers() } })
  const app = await build(t, { storage }, { handlerTimeout: 50 })
  const reply = await call(app, 'GET', '/admin/users?count=true')
  t.equal(reply.statusCode, 503)
  t.equal(reply.headers['retry-after'], '1')
})

t.test('plugin: answers a request under way before the storage closes', async (t) => {
  const sqlite = emptyStorage(t)
  let closed = false
  const storage = faultyStorage(sqlite, {
    listUsers: async (page) => { await sleep(100); return sqlite.listUsers(page) },
    close: async () => { closed = true; await sqlite.close() }
  })
  const app = await build(t, { storage })
  const url = await app.listen({ port: 0 })
  const reply = request(`${url}/admin/users`)
  await sleep(50)
  const closing = app.close()
  t.equal(closed, false)
  t.equal((await reply).statusCode, 200)
  await closing
  t.equal(closed, true)
})

/** Sends a request without keep-alive, because the server would wait for an idle connection. */
async function request (url: string) {
  const [reply] = await once(get(url, { agent: false, headers: { 'x-admin-api-key': adminKey } }), 'response')
  reply.resume()
  return reply
}
