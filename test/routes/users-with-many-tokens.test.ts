import Fastify, { type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { type TokenRecord } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { adminKey, build, call, resolve } from '../support/helpers.js'

/** Returns a storage whose users seem to have 1002 tokens each, and the addresses of these users. */
function crowdedStorage (t: Test) {
  const storage = emptyStorage(t)
  const tokens = Array.from({ length: 1002 }, (_, i): TokenRecord => ({
    id: String(i + 1),
    user_id: '1',
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: '2024-01-01T12:00:00.000Z',
    last_used_at: null
  }))
  return faultyStorage(storage, {
    async listTokens ({ order, after = order === 'asc' ? '0' : '1003', limit }) {
      const sorted = order === 'asc' ? tokens : tokens.toReversed()
      const rest = sorted.filter(({ id }) => order === 'asc' ? Number(id) > Number(after) : Number(id) < Number(after))
      return rest.slice(0, limit).map((token) => ({ token, user: { id: '1', email: 'a@b', name: null } }))
    }
  })
}

const idsOf = (tokens: Array<{ id: string }>) => tokens.map(({ id }) => Number(id.replace('token-', '')))
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

t.test('GET /users/:id: has the newest 1000 tokens, and a Link to all of them', async (t) => {
  const app = await build(t, { storage: crowdedStorage(t) })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const path of ['/admin/users/user-1', '/admin/users/email/a@b']) {
    const reply = await call(app, 'GET', path)
    t.equal(reply.statusCode, 200)
    t.same(idsOf(reply.json().api_tokens), from(3, 1002), 'in order of creation')
    const url = resolve(path, /^<([^>]*)>; rel="tokens"$/.exec(String(reply.headers.link))?.[1])
    t.equal(url, '/admin/users/user-1/tokens')
    const list = await call(app, 'GET', url)
    t.same(idsOf(list.json()), from(1, 1000))
    t.equal(list.headers.link, '<?after=token-1000>; rel="next"')
    t.equal((await call(app, 'HEAD', path)).headers.link, reply.headers.link)
  }
  t.same(idsOf((await app.vexaAdmin.users.get('user-1')).api_tokens), from(3, 1002))
  t.same(idsOf(await app.vexaAdmin.tokens.list('user-1', { after: 'token-1000' })), [1001, 1002])
})

t.test('GET /users/:id: has no Link when the reply has all tokens', async (t) => {
  const storage = emptyStorage(t)
  const app = await build(t, { storage })
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (let i = 0; i < 1000; i++) await tokens.create('user-1')
  for (const path of ['/admin/users/user-1', '/admin/users/email/a@b']) {
    const reply = await call(app, 'GET', path)
    t.same(idsOf(reply.json().api_tokens), from(1, 1000))
    t.equal(reply.headers.link, undefined)
  }
  await tokens.create('user-1')
  const reply = await call(app, 'GET', '/admin/users/user-1')
  t.same(idsOf(reply.json().api_tokens), from(2, 1001))
  t.ok(reply.headers.link)
})

t.test('GET /users/:id: the Link resolves, whatever the URL of the request looks like', async (t) => {
  const lenient: FastifyServerOptions = {
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
  }
  const app = Fastify({
    ...lenient, rewriteUrl: ({ url = '' }) => url.replace(/^\/rewritten(?=\/)/, '').replace('/people/', '/users/')
  })
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    await scope.register(vexaAdmin, { adminKeys: adminKey, storage: crowdedStorage(t) })
    await scope.vexaAdmin.users.create({ email: 'a/b@c' })
  }, { prefix: '/:tenant/email' })
  await app.register(async (scope) => {
    await scope.register(vexaAdmin, { adminKeys: adminKey, storage: crowdedStorage(t) })
    for (const email of ['a@b', 'a/b@c', 'a/email/b@c', '%/e@c']) await scope.vexaAdmin.users.create({ email })
  })
  for (const [path, expected] of [
    ['/admin/users/user-1', '/admin/users/user-1/tokens'],
    ['/admin/users/user-1?', '/admin/users/user-1/tokens'],
    ['/admin/users/user-1/', '/admin/users/user-1/tokens'],
    ['/admin//users/user-1', '/admin//users/user-1/tokens'],
    ['/admin/users/user-1//', '/admin/users/user-1/tokens'],
    ['/rewritten/admin/users/user-1', '/rewritten/admin/users/user-1/tokens'],
    ['/admin/people/user-1', '/admin/people/user-1/tokens'],
    ['/admin/users/email/a@b', '/admin/users/user-1/tokens'],
    ['/admin/users/email/A%40B/', '/admin/users/user-1/tokens'],
    ['/ADMIN/Users/EMAIL/a@b', '/ADMIN/Users/user-1/tokens'],
    ['/admin/users/email/a/b@c', '/admin/users/user-2/tokens'],
    ['/admin/users/email/a/b%40c/', '/admin/users/user-2/tokens'],
    ['/admin/users/email/a%2Fb%40c', '/admin/users/user-2/tokens'],
    ['/admin/users/email/a/email/b@c', '/admin/users/user-3/tokens'],
    ['/admin/users/email/a%2Femail/b@c', '/admin/users/user-3/tokens'],
    ['/rewritten/admin/users/email/a/email%2Fb@c', '/rewritten/admin/users/user-3/tokens'],
    ['/admin/users/email/%25/e@c', '/admin/users/user-4/tokens'],
    ['/a/email/admin/users/email/a/b@c', '/a/email/admin/users/user-1/tokens']
  ] as const) {
    const { headers, statusCode } = await call(app, 'GET', path)
    t.equal(statusCode, 200, path)
    const [, reference] = /^<([^>]*)>; rel="tokens"$/.exec(String(headers.link)) ?? []
    t.equal(resolve(path, reference), expected, path)
    t.equal((await call(app, 'GET', resolve(path, reference))).statusCode, 200, path)
  }
})
