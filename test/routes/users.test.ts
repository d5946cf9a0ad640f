import t from 'tap'
import { build, call } from '../helpers.js'
import { strangeIds } from './strange-ids.js'

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

t.test('POST /users creates a user: 201, Location, and the documented members', async (t) => {
  const app = await build(t)
  const before = Date.now()
  const reply = await call(app, 'POST', '/admin/users', { payload: { email: 'User@Example.com', name: 'John Doe', max_concurrent_bots: 7 } })
  t.equal(reply.statusCode, 201)
  t.equal(reply.headers.location, '/admin/users/user-1')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.match(reply.headers['content-type'], /^application\/json/)
  const user = reply.json()
  t.match(user.created_at, iso)
  t.ok(Date.parse(user.created_at) >= before && Date.parse(user.created_at) <= Date.now())
  t.same(user, { id: 'user-1', email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 7, created_at: user.created_at })
  t.same(Object.keys(user), ['id', 'email', 'name', 'max_concurrent_bots', 'created_at'])
})

t.test('POST /users fills in what was not given', async (t) => {
  const app = await build(t)
  const user = (await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).json()
  t.match(user, { name: null, max_concurrent_bots: 3 })
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'c@d', name: null } })).json().name, null)
})

t.test('POST /users keeps the edges of every range', async (t) => {
  const app = await build(t)
  for (const [i, max] of [0, -0, 1, 2147483647].entries()) {
    const payload = `{"email":"${i}@x","max_concurrent_bots":${Object.is(max, -0) ? '-0' : max}}`
    const reply = await call(app, 'POST', '/admin/users', { payload, headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 201, payload)
    t.equal(reply.json().max_concurrent_bots, Math.abs(max), payload)
  }
  for (const name of ['', 'x'.repeat(255), '💛'.repeat(255), 'a\nb\t', '<b>"\\</b>', '\u202e\u0301']) {
    const email = `${name.length}${encodeURIComponent(name).length}@x`
    const reply = await call(app, 'POST', '/admin/users', { payload: { email, name } })
    t.equal(reply.statusCode, 201, JSON.stringify(name))
    t.equal(reply.json().name, name)
    t.equal((await app.vexaAdmin.users.get(reply.json().id)).name, name)
  }
})

t.test('POST /users refuses what is not valid, and stores nothing', async (t) => {
  const app = await build(t)
  const email = 'a@b'
  const bodies: unknown[] = [
    {}, [], null, true, 1, '"text"', { email: 1 }, { email: null }, { email: [email] }, { email: { a: 1 } },
    { email, name: 1 }, { email, name: ['x'] }, { email, name: 'x'.repeat(256) }, { email, name: '💛'.repeat(256) }, { email, name: 'a\0b' },
    { email, max_concurrent_bots: '3' }, { email, max_concurrent_bots: null }, { email, max_concurrent_bots: 1.5 },
    { email, max_concurrent_bots: -1 }, { email, max_concurrent_bots: 2147483648 }, { email, max_concurrent_bots: true },
    { email, max_concurrent_bots: [3] }, { email, scopes: [] }, { email, id: 'user-9' }, { email, created_at: '2024-01-01T12:00:00.000Z' }, { email, Email: email },
    '{"email":"a@b","max_concurrent_bots":1e309}', '{"email":"a@b","name":"\\ud800"}', '{"email":"\\udfff@b"}',
    '{"email":"a@b","__proto__":{"x":1}}', '{"email":"a@b","constructor":{"prototype":{}}}', '{', 'email=a@b', '{"email":"a@b"}x'
  ]
  for (const body of bodies) {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const reply = await call(app, 'POST', '/admin/users', { payload, headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 400, payload)
    t.same(Object.keys(reply.json()).sort(), ['code', 'error', 'message', 'statusCode'], payload)
    t.equal(reply.headers['cache-control'], 'no-store')
  }
  const reply = await call(app, 'POST', '/admin/users')
  t.equal(reply.statusCode, 400, 'no body')
  t.same(await app.vexaAdmin.users.list(), [])
})

t.test('a refusal says what is wrong and where, without the value', async (t) => {
  const app = await build(t)
  const message = async (payload: object) => (await call(app, 'POST', '/admin/users', { payload })).json().message
  t.match(await message({ email: 'no at sign' }), /^body\/email Expected an e-mail address/)
  t.match(await message({ email: 'a@b', name: 'secret\0' }), /^body\/name Expected well-formed text of at most 255 characters, or null$/)
  t.match(await message({ email: 'a@b', max_concurrent_bots: -1 }), /^body\/max_concurrent_bots Expected integer to be greater or equal to 0$/)
  t.match(await message({ email: 'a@b', scopes: [] }), /^body\/scopes Unexpected property$/)
  t.match(await message({}), /^body\/email Expected required property$/)
})

t.test('POST /users with an address that is taken: 409, in whichever spelling', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'Jos\u00e9@example.com' })
  for (const email of ['jos\u00e9@example.com', 'JOS\u00c9@EXAMPLE.COM', 'jose\u0301@example.com', 'JOSE\u0301@Example.com']) {
    const reply = await call(app, 'POST', '/admin/users', { payload: { email } })
    t.equal(reply.statusCode, 409, email)
    t.same(reply.json(), {
      statusCode: 409, code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN', error: 'Conflict', message: 'The e-mail address belongs to another user'
    })
  }
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'jose@example.com' } })).statusCode, 201, 'an accent makes another address')
})

t.test('100 concurrent creates of one address, half of them in capitals: one 201, 99 times 409, one row', async (t) => {
  const app = await build(t)
  const url = await app.listen({ port: 0 })
  const replies = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const reply = await fetch(`${url}/admin/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-admin-api-key': 'an-admin-key-for-the-tests' },
      body: JSON.stringify({ email: i % 2 === 0 ? 'one@example.com' : 'ONE@EXAMPLE.COM' })
    })
    await reply.arrayBuffer()
    return reply.status
  }))
  t.equal(replies.filter((status) => status === 201).length, 1)
  t.equal(replies.filter((status) => status === 409).length, 99)
  t.equal((await app.vexaAdmin.users.list()).length, 1)
})

t.test("duplicateEmail: 'return' answers 200 with the stored user, unchanged", async (t) => {
  const app = await build(t, { duplicateEmail: 'return' })
  const first = await call(app, 'POST', '/admin/users', { payload: { email: 'a@b', name: 'First' } })
  t.equal(first.statusCode, 201)
  const second = await call(app, 'POST', '/admin/users', { payload: { email: 'A@B', name: 'Second', max_concurrent_bots: 9 } })
  t.equal(second.statusCode, 200)
  t.equal(second.headers.location, '/admin/users/user-1')
  t.same(second.json(), first.json())
  t.same(await app.vexaAdmin.users.create({ email: 'a@b' }), first.json())
})

t.test('GET /users lists in order of creation, by skip and limit', async (t) => {
  const app = await build(t)
  t.same((await call(app, 'GET', '/admin/users')).json(), [])
  for (let i = 1; i <= 102; i++) await app.vexaAdmin.users.create({ email: `${200 - i}@x` })
  const ids = async (query: string) => (await call(app, 'GET', `/admin/users${query}`)).json().map((user: { id: string }) => user.id)
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `user-${from + i}`)
  t.same(await ids(''), range(1, 100), 'a hundred when not told')
  t.same(await ids('?limit=1000'), range(1, 102))
  t.same(await ids('?limit=1'), range(1, 1))
  t.same(await ids('?skip=0&limit=2'), range(1, 2))
  t.same(await ids('?skip=3&limit=2'), range(4, 5))
  t.same(await ids('?skip=100'), range(101, 102))
  t.same(await ids('?skip=102'), [])
  t.same(await ids(`?skip=${Number.MAX_SAFE_INTEGER}`), [])
  t.same(Object.keys((await call(app, 'GET', '/admin/users?limit=1')).json()[0]), ['id', 'email', 'name', 'max_concurrent_bots', 'created_at'])
})

t.test('GET /users refuses a query that is not valid', async (t) => {
  const app = await build(t)
  const queries = [
    'skip=-1', 'skip=-0', 'skip=1.5', 'skip=', 'skip=x', 'skip=1e3', 'skip=0x10', 'skip=Infinity', 'skip=1&skip=2', 'skip=9007199254740992', 'skip=%201',
    'limit=0', 'limit=1001', 'limit=-1', 'limit=1e309', 'limit=NaN', 'limit=+1', 'limit[]=1', 'limit', 'offset=1', '__proto__=1', 'skip=1;limit=2'
  ]
  for (const query of queries) {
    const reply = await call(app, 'GET', `/admin/users?${query}`)
    t.equal(reply.statusCode, 400, query)
    t.match(reply.json(), { code: 'FST_ERR_VALIDATION', message: /^querystring\// }, query)
  }
})

t.test('GET /users/:id shows the user with its tokens, their values hidden', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b' })
  const other = await app.vexaAdmin.users.create({ email: 'c@d' })
  t.same((await call(app, 'GET', '/admin/users/user-1')).json(), { ...user, api_tokens: [] })
  const first = await app.vexaAdmin.tokens.create(user.id)
  await app.vexaAdmin.tokens.create(other.id)
  const third = await app.vexaAdmin.tokens.create(user.id)
  const reply = await call(app, 'GET', '/admin/users/user-1')
  t.equal(reply.statusCode, 200)
  t.same(reply.json(), { ...user, api_tokens: [{ ...first, token: '***' }, { ...third, token: '***' }] })
  t.notMatch(reply.body, first.token)
  const head = await call(app, 'HEAD', '/admin/users/user-1')
  t.equal(head.statusCode, 200)
  t.equal(head.body, '')
})

t.test('GET /users/:id of nobody: 404, whatever the id looks like', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const id of strangeIds('user', 'token')) {
    const reply = await call(app, 'GET', `/admin/users/${id}`)
    t.equal(reply.statusCode, 404, id)
    t.same(reply.json(), { statusCode: 404, code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', error: 'Not Found', message: 'User not found' }, id)
  }
})

t.test('POST /users/:id/tokens mints a token, with no body, an empty one, or an empty object', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const json = { 'content-type': 'application/json' }
  const values = new Set<string>()
  for (const options of [{}, { headers: json }, { headers: json, payload: '' }, { headers: json, payload: '{}' }]) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', options)
    t.equal(reply.statusCode, 201, JSON.stringify(options))
    const token = reply.json()
    t.same(Object.keys(token), ['id', 'token', 'user_id', 'created_at'])
    t.match(token, { id: `token-${values.size + 1}`, token: /^vex_[0-9A-Za-z]{36}$/, user_id: 'user-1', created_at: iso })
    values.add(token.token)
  }
  t.equal(values.size, 4)
})

t.test('POST /users/:id/tokens refuses a body that is not an empty object', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const payload of ['null', '[]', '"x"', '{"name":"x"}', '{"scopes":["bot"]}', '{']) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', { payload, headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 400, payload)
  }
  t.same((await app.vexaAdmin.users.get('user-1')).api_tokens, [])
})

t.test('POST /users/:id/tokens of nobody: 404', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const id of strangeIds('user', 'token')) {
    const reply = await call(app, 'POST', `/admin/users/${id}/tokens`)
    t.equal(reply.statusCode, 404, id)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_USER_NOT_FOUND', id)
  }
})
