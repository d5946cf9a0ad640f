import t from 'tap'
import { build, call, nextOf } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

t.test('POST /users: returns 201, Location and the documented members', async (t) => {
  const app = await build(t)
  const before = Date.now()
  const reply = await call(app, 'POST', '/admin/users', {
    payload: { email: 'User@Example.com', name: 'John Doe', max_concurrent_bots: 7 }
  })
  t.equal(reply.statusCode, 201)
  t.equal(reply.headers.location, 'users/user-1')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.match(reply.headers['content-type'], /^application\/json/)
  const user = reply.json()
  t.match(user.created_at, iso)
  t.ok(Date.parse(user.created_at) >= before && Date.parse(user.created_at) <= Date.now())
  t.same(user, {
    id: 'user-1', email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 7, created_at: user.created_at
  })
  t.same(Object.keys(user), ['id', 'email', 'name', 'max_concurrent_bots', 'created_at'])
})

t.test('POST /users: uses the defaults for absent members', async (t) => {
  const app = await build(t)
  const user = (await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).json()
  t.match(user, { name: null, max_concurrent_bots: 3 })
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'c@d', name: null } })).json().name, null)
})

t.test('POST /users: stores the limits of each range', async (t) => {
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

t.test('POST /users: rejects an invalid body, and stores nothing', async (t) => {
  const app = await build(t)
  const email = 'a@b'
  const bodies: unknown[] = [
    {}, [], null, true, 1, '"text"', { email: 1 }, { email: null }, { email: [email] }, { email: { a: 1 } },
    { email, name: 1 }, {
      email, name: ['x']
    }, { email, name: 'x'.repeat(256) }, { email, name: '💛'.repeat(256) }, { email, name: 'a\0b' },
    { email, max_concurrent_bots: '3' }, { email, max_concurrent_bots: null }, { email, max_concurrent_bots: 1.5 },
    {
      email, max_concurrent_bots: -1
    }, { email, max_concurrent_bots: 2147483648 }, { email, max_concurrent_bots: true },
    { email, max_concurrent_bots: [3] }, {
      email, scopes: []
    }, { email, id: 'user-9' }, { email, created_at: '2024-01-01T12:00:00.000Z' }, { email, Email: email },
    '{"email":"a@b","max_concurrent_bots":1e309}', '{"email":"a@b","name":"\\ud800"}', '{"email":"\\udfff@b"}',
    '{"email":"a@b","__proto__":{"x":1}}', '{"email":"a@b","constructor":{"prototype":{}}}',
    '{', 'email=a@b', '{"email":"a@b"}x'
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

t.test('POST /users: a message names the member and the fault, without the value', async (t) => {
  const app = await build(t)
  const message = async (payload: object) => (await call(app, 'POST', '/admin/users', { payload })).json().message
  t.match(await message({ email: 'no at sign' }), /^body\/email Expected an e-mail address/)
  t.match(
    await message({ email: 'a@b', name: 'secret\0' }),
    /^body\/name Expected well-formed text of at most 255 characters, or null$/
  )
  t.match(
    await message({ email: 'a@b', max_concurrent_bots: -1 }),
    /^body\/max_concurrent_bots Expected integer to be greater or equal to 0$/
  )
  t.match(await message({ email: 'a@b', scopes: [] }), /^body\/scopes Unexpected property$/)
  t.match(await message({}), /^body\/email Expected required property$/)
})

t.test('POST /users: returns 409 for a taken address in any spelling', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'Jos\u00e9@example.com' })
  for (const email of [
    'jos\u00e9@example.com', 'JOS\u00c9@EXAMPLE.COM', 'jose\u0301@example.com', 'JOSE\u0301@Example.com'
  ]) {
    const reply = await call(app, 'POST', '/admin/users', { payload: { email } })
    t.equal(reply.statusCode, 409, email)
    t.same(reply.json(), {
      statusCode: 409,
      code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN',
      error: 'Conflict',
      message: 'The e-mail address belongs to another user'
    })
  }
  t.equal(
    (await call(app, 'POST', '/admin/users', { payload: { email: 'jose@example.com' } })).statusCode, 201,
    'an accent makes another address'
  )
})

t.test('POST /users: creates one user for 100 concurrent requests with one address', async (t) => {
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

t.test("POST /users: returns the stored user when duplicateEmail is 'return'", async (t) => {
  const app = await build(t, { duplicateEmail: 'return' })
  const first = await call(app, 'POST', '/admin/users', { payload: { email: 'a@b', name: 'First' } })
  t.equal(first.statusCode, 201)
  const second = await call(app, 'POST', '/admin/users', {
    payload: { email: 'A@B', name: 'Second', max_concurrent_bots: 9 }
  })
  t.equal(second.statusCode, 200)
  t.equal(second.headers.location, 'users/user-1')
  t.same(second.json(), first.json())
  t.same(await app.vexaAdmin.users.create({ email: 'a@b' }), first.json())
})

t.test('GET /users: returns users in order of creation, by skip and limit', async (t) => {
  const app = await build(t)
  t.same((await call(app, 'GET', '/admin/users')).json(), [])
  for (let i = 1; i <= 102; i++) await app.vexaAdmin.users.create({ email: `${200 - i}@x` })
  const ids = async (query: string) =>
    (await call(app, 'GET', `/admin/users${query}`)).json().map((user: { id: string }) => user.id)
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `user-${from + i}`)
  t.same(await ids(''), range(1, 100), '100 by default')
  t.same(await ids('?limit=1000'), range(1, 102))
  t.same(await ids('?limit=1'), range(1, 1))
  t.same(await ids('?skip=0&limit=2'), range(1, 2))
  t.same(await ids('?skip=3&limit=2'), range(4, 5))
  t.same(await ids('?skip=100'), range(101, 102))
  t.same(await ids('?skip=102'), [])
  t.same(await ids(`?skip=${Number.MAX_SAFE_INTEGER}`), [])
  t.same(Object.keys((await call(app, 'GET', '/admin/users?limit=1')).json()[0]), [
    'id', 'email', 'name', 'max_concurrent_bots', 'created_at'
  ])
})

t.test('GET /users: rejects an invalid query', async (t) => {
  const app = await build(t)
  const queries = [
    'skip=-1', 'skip=-0', 'skip=1.5', 'skip=', 'skip=x', 'skip=1e3', 'skip=0x10', 'skip=Infinity', 'skip=1&skip=2',
    'skip=9007199254740992', 'skip=%201', 'limit=0', 'limit=1001', 'limit=-1', 'limit=1e309', 'limit=NaN', 'limit=+1',
    'limit[]=1', 'limit', 'offset=1', '__proto__=1', 'skip=1;limit=2'
  ]
  for (const query of queries) {
    const reply = await call(app, 'GET', `/admin/users?${query}`)
    t.equal(reply.statusCode, 400, query)
    t.match(reply.json(), { code: 'FST_ERR_VALIDATION', message: /^querystring[/ ]/ }, query)
  }
})

t.test('routes: every route except the list rejects a query', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const calls = [
    ['POST', '/users', { email: 'c@d' }], ['GET', '/users/user-1'], ['GET', '/users/email/a@b'],
    ['GET', `/users/email/${'x'.repeat(200)}@x`], ['PATCH', '/users/user-1', {}], ['PUT', '/users/user-1/data', {}],
    ['POST', '/users/user-1/tokens'],
    ['GET', '/users/user-1/tokens'], ['POST', '/tokens/token-1/rotate'], ['POST', '/tokens/verify', { token: 'x' }],
    ['DELETE', '/tokens/token-1'], ['DELETE', '/users/user-1/tokens'], ['DELETE', '/users/user-1']
  ] as const
  for (const [method, path, payload] of calls) {
    const reply = await call(app, method, `/admin${path}?expires_in=60`, payload && { payload })
    t.equal(reply.statusCode, 400, `${method} ${path}`)
    t.equal(reply.json().message, 'querystring/expires_in Unexpected property')
  }
  t.equal((await app.vexaAdmin.users.get('user-1')).api_tokens.length, 1)
})

t.test('routes: an unknown path returns 404 with an admin key, else 401', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const [method, path] of [
    ['POST', '/users/user-1'], ['GET', '/users/user-1/nothing'], ['GET', '/tokens/token-1/nothing'],
    ['PATCH', '/tokens/x/y']
  ] as const) {
    const reply = await call(app, method, `/admin${path}`)
    t.equal(reply.statusCode, 404)
    t.match(reply.json().message, /^Route .* not found$/)
    t.equal((await app.inject({ method, url: `/admin${path}` })).statusCode, 401)
  }
})

t.test('GET /users/:id: returns the user with its tokens, without their values', async (t) => {
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

t.test('GET /users/:id: returns 404 for an unknown id of any form', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const id of strangeIds('user', 'token')) {
    const reply = await call(app, 'GET', `/admin/users/${id}`)
    t.equal(reply.statusCode, 404, id)
    t.same(reply.json(), {
      statusCode: 404, code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', error: 'Not Found', message: 'User not found'
    }, id)
  }
})

t.test('POST /users: stores data of at most 16 KiB and 31 levels', async (t) => {
  const app = await build(t)
  const nested = (levels: number): object => levels === 0 ? {} : { a: nested(levels - 1) }
  const ofBytes = (bytes: number) => ({ a: 'é'.repeat((bytes - 8) / 2) })
  let n = 0
  const post = (data: unknown) => call(app, 'POST', '/admin/users', { payload: { email: `${n++}@x`, data } })
  for (const data of [
    {}, { a: [1, -0.5, 1e300, true, null, 'x', { b: {} }], '': 1, 'a b': '%' }, { toJSON: 'x', hash: 'y', id: 1 },
    nested(30), ofBytes(16384)
  ]) {
    const reply = await post(data)
    t.equal(reply.statusCode, 201)
    t.same(reply.json().data, data)
    t.same((await call(app, 'GET', `/admin/users/${reply.json().id}`)).json().data, data)
  }
  for (const data of [
    null, [], 'x', 1, ofBytes(16386), nested(31), { a: 'b\0' }, { 'a\0': 1 }, { a: ['\ud800'] }, { '\udfff': 1 }
  ]) {
    const reply = await post(data)
    t.equal(reply.statusCode, 400)
    t.ok(reply.body.length < 300, 'the message does not repeat the value')
  }
  const deep = `{"email":"deep@x","data":{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}}`
  t.equal((await call(app, 'POST', '/admin/users', {
    payload: deep, headers: { 'content-type': 'application/json' }
  })).statusCode, 400)
  t.notOk(
    'data' in (await call(app, 'POST', '/admin/users', { payload: { email: 'none@x' } })).json(),
    'absent if there is no data'
  )
})

t.test('PATCH /users/:id: updates the given members only', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b', name: 'A', max_concurrent_bots: 7, data: { keep: 1 } })
  const patch = async (payload: object) => {
    const reply = await call(app, 'PATCH', '/admin/users/user-1', { payload })
    t.equal(reply.statusCode, 200)
    return reply.json()
  }
  t.same(await patch({}), user)
  t.same(await patch({ email: 'New@B' }), { ...user, email: 'new@b' })
  t.same(await patch({ email: 'NEW@b' }), { ...user, email: 'new@b' }, 'the own address is not taken')
  t.same(await patch({ name: null, max_concurrent_bots: 0 }), {
    ...user, email: 'new@b', name: null, max_concurrent_bots: 0
  })
  t.same(await patch({ disabled: true }), {
    ...user, email: 'new@b', name: null, max_concurrent_bots: 0, disabled: true
  })
  t.same(await patch({ disabled: false, name: 'A', max_concurrent_bots: 7, email: 'a@b' }), user)
  t.same((await call(app, 'GET', '/admin/users/user-1')).json(), { ...user, api_tokens: [] })
})

t.test('PATCH /users/:id: merges data by RFC 7396', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const patch = async (data: unknown, headers = {}) => {
    const reply = await call(app, 'PATCH', '/admin/users/user-1', {
      payload: JSON.stringify({ data }), headers: { 'content-type': 'application/json', ...headers }
    })
    t.equal(reply.statusCode, 200)
    return reply.json().data
  }
  t.same(await patch({ a: 1, b: { c: 2, d: null }, e: null }), { a: 1, b: { c: 2 } })
  t.same(await patch({ b: { c: null, f: [null, { g: null }] } }), { a: 1, b: { f: [null, { g: null }] } })
  t.same(await patch({ a: { b: 1 }, b: 'x' }), { a: { b: 1 }, b: 'x' })
  t.same(await patch({ a: null, b: null }, { 'content-type': 'application/merge-patch+json' }), {})
  t.same(await patch({ a: 1 }), { a: 1 })
  t.equal(await patch(null), undefined)
  t.same(await patch({ again: true }), { again: true })
})

t.test('PATCH /users/:id: rejects an invalid body, and changes nothing', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b', data: { a: 'x'.repeat(10_000) } })
  await app.vexaAdmin.users.create({ email: 'taken@b' })
  const bodies = [
    null, [], 'x', { email: null }, {
      email: 'x'
    }, { name: 1 }, { max_concurrent_bots: null }, { max_concurrent_bots: '1' }, { disabled: 1 }, { disabled: null },
    { data: [] }, { data: 'x' }, {
      data: { b: 'x'.repeat(10_000) }
    }, { id: 'user-9' }, { created_at: '2024-01-01T00:00:00.000Z' }, { revision: 1 }, { api_tokens: [] }
  ]
  for (const body of bodies) {
    const reply = await call(app, 'PATCH', '/admin/users/user-1', {
      payload: JSON.stringify(body), headers: { 'content-type': 'application/json' }
    })
    t.equal(reply.statusCode, 400, JSON.stringify(body).slice(0, 60))
  }
  t.equal((await call(app, 'PATCH', '/admin/users/user-1')).statusCode, 400, 'no body')
  const taken = await call(app, 'PATCH', '/admin/users/user-1', { payload: { email: 'TAKEN@b', name: 'x' } })
  t.equal(taken.statusCode, 409)
  t.equal(taken.json().code, 'VEXA_ADMIN_ERR_EMAIL_TAKEN')
  for (const payload of [{ name: 'x' }, { data: { a: 1 } }, {}]) {
    for (const id of strangeIds('user', 'token').filter((id) => id !== 'user-2')) {
      t.equal((await call(app, 'PATCH', `/admin/users/${id}`, { payload })).statusCode, 404, id)
    }
  }
  t.same(await app.vexaAdmin.users.get('user-1'), { ...user, api_tokens: [] })
})

t.test('PATCH /users/:id: keeps every member of data from concurrent requests', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const replies = await Promise.all(Array.from({ length: 40 }, (_, i) =>
    call(app, 'PATCH', '/admin/users/user-1', {
      payload: i % 4 === 0 ? { name: `n${i}` } : { data: { [`m${i}`]: i } }
    })))
  t.same(replies.map((reply) => reply.statusCode), Array(40).fill(200))
  t.equal(Object.keys((await app.vexaAdmin.users.get('user-1')).data ?? {}).length, 30)
})

t.test('PATCH /users/:id: returns one 200 and one 409 for two requests with one address', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.users.create({ email: 'c@d' })
  const replies = await Promise.all(
    ['user-1', 'user-2'].map((id) => call(app, 'PATCH', `/admin/users/${id}`, { payload: { email: 'new@x' } }))
  )
  t.same(replies.map((reply) => reply.statusCode).sort(), [200, 409])
})

t.test('DELETE /users/:id: deletes the user and its tokens, and returns 404 afterwards', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const other = await app.vexaAdmin.users.create({ email: 'c@d' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const reply = await call(app, 'DELETE', '/admin/users/user-1', { headers: { 'content-type': 'application/json' } })
  t.equal(reply.statusCode, 204)
  t.equal(reply.body, '')
  t.same(await app.vexaAdmin.tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
  t.equal((await call(app, 'DELETE', '/admin/tokens/token-1')).statusCode, 404)
  t.same(await app.vexaAdmin.users.list(), [other])
  for (const id of ['user-1', ...strangeIds('user', 'token').filter((id) => id !== 'user-2')]) {
    const again = await call(app, 'DELETE', `/admin/users/${id}`)
    t.equal(again.statusCode, 404, id)
    t.equal(again.json().code, 'VEXA_ADMIN_ERR_USER_NOT_FOUND')
  }
  t.match(await app.vexaAdmin.users.create({ email: 'a@b' }), {
    id: 'user-3'
  }, 'the address is free again, but the id is not')
})

t.test('GET /users/email/:email: finds the user by any spelling of the address', async (t) => {
  const app = await build(t)
  const long = `${'x'.repeat(252)}@x`
  for (const email of ['Jos\u00e9+tag@Example.com', 'a/b?c#d%@x', long]) await app.vexaAdmin.users.create({ email })
  await app.vexaAdmin.tokens.create('user-1')
  const found = {
    'jos\u00e9+tag@example.com': 'user-1',
    'JOSE\u0301+TAG@EXAMPLE.COM': 'user-1',
    'A/b?c#d%@x': 'user-2',
    [long]: 'user-3'
  }
  for (const [email, id] of Object.entries(found)) {
    const reply = await call(app, 'GET', `/admin/users/email/${encodeURIComponent(email)}`)
    t.equal(reply.statusCode, 200, email)
    t.same(reply.json(), await app.vexaAdmin.users.get(id))
    t.equal((await call(app, 'HEAD', `/admin/users/email/${encodeURIComponent(email)}`)).statusCode, 200)
  }
  for (const email of [
    'nobody@x', 'x', '', '%00@x', '%20jose@x', 'user-1', `${'y'.repeat(2000)}@x`, '%EF%BF%BF@x', 'a/b/c@x'
  ]) {
    const reply = await call(app, 'GET', `/admin/users/email/${email}`)
    t.equal(reply.statusCode, 404, email)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_USER_NOT_FOUND')
  }
})

t.test('GET /users: pages by after in both orders, with a Link while there is more', async (t) => {
  const app = await build(t, { prefix: '/v1/admin' })
  for (let i = 1; i <= 7; i++) {
    await app.vexaAdmin.users.create({ email: `${i}@x`, name: i % 2 === 0 ? 'Even & odd' : null })
  }
  const walk = async (url: string) => {
    const pages: string[][] = []
    for (let next: string | undefined = url; next !== undefined;) {
      const reply = await call(app, 'GET', next)
      t.equal(reply.statusCode, 200, next)
      pages.push(reply.json().map((user: { id: string }) => user.id.slice('user-'.length)))
      next = nextOf(next, reply.headers.link)
      if (next === undefined) t.equal(reply.headers.link, undefined)
    }
    return pages
  }
  t.same(await walk('/v1/admin/users?limit=3'), [['1', '2', '3'], ['4', '5', '6'], ['7']])
  t.same(await walk('/v1/admin/users?limit=7'), [['1', '2', '3', '4', '5', '6', '7']], 'no empty page')
  t.same(await walk('/v1/admin/users?limit=3&order=desc'), [['7', '6', '5'], ['4', '3', '2'], ['1']])
  t.same(await walk('/v1/admin/users?limit=2&skip=1&after=user-2&order=asc'), [['4', '5'], ['6', '7']])
  t.same(await walk('/v1/admin/users?limit=1&search=EVEN+%26'), [['2'], ['4'], ['6']])
  t.same(await walk('/v1/admin/users?after=user-99'), [[]])
  t.same(
    await walk('/v1/admin/users?after=user-99&order=desc&limit=5'), [['7', '6', '5', '4', '3'], ['2', '1']],
    'after a user that does not exist'
  )
  t.same(await walk('/v1/admin/users?after=user-x'), [[]], 'a key that this storage never creates')
  for (const query of [
    'after=1', 'after=', 'after=user-', 'after=token-1', 'after=user-1%00', `after=user-${'1'.repeat(256)}`,
    'order=ASC', 'order=', 'order=asc&order=desc', 'disabled=', 'disabled=1', 'disabled=TRUE', 'disabled=null',
    'disabled=true&disabled=false', 'count=1', 'count=', 'count=TRUE', `search=${'x'.repeat(256)}`,
    'search=%00', 'search=a&search=b'
  ]) {
    t.equal((await call(app, 'GET', `/v1/admin/users?${query}`)).statusCode, 400, query)
  }
})

t.test('GET /users: search finds a substring in any case, and has no wildcards', async (t) => {
  const app = await build(t)
  const users = [
    { email: 'percent@x', name: '100%' }, {
      email: 'under_score@x', name: null
    }, { email: 'backslash@x', name: 'a\\b' }, { email: 'accent@x', name: 'Jos\u00e9 \u00c5ngstr\u00f6m' },
    { email: 'quote@x', name: "O'Brien; drop table" }, { email: 'plain@y', name: 'Plain' },
    {
      email: 'sigma@z', name: '\u039a\u03a9\u03a3\u03a4\u0391\u03a3'
    }, { email: '\u039d\u0399\u039a\u039f\u03a3@z', name: null }
  ]
  for (const user of users) await app.vexaAdmin.users.create(user)
  const search = async (text: string) => (await call(
    app, 'GET', `/admin/users?count=true&search=${encodeURIComponent(text)}`
  )).json().map((user: { email: string }) => user.email.split('@')[0])
  t.same(await search('%'), ['percent'])
  t.same(await search('_'), ['under_score'])
  t.same(await search('\\'), ['backslash'])
  t.same(await search('JOS\u00c9 \u00e5'), ['accent'])
  t.same(await search('jose\u0301'), ['accent'])
  t.same(await search('jose'), [])
  t.same(await search('\u039a\u03a9\u03a3'), ['sigma'], 'the start of a word that ends in a final sigma')
  t.same(await search('\u039d\u0399\u039a\u039f\u03a3@'), ['\u03bd\u03b9\u03ba\u03bf\u03c2'], 'an address')
  t.same(await search("'BRIEN; DROP"), ['quote'])
  t.same(await search('PLAIN'), ['plain'])
  t.same(await search('@Y'), ['plain'])
  t.same(await search('*'), [])
  t.equal((await search('')).length, users.length)
  await app.vexaAdmin.users.update('user-6', { name: 'Renamed' })
  t.same(await search('renamed'), ['plain'])
})

t.test('GET /users: disabled selects users, on each page and in the count', async (t) => {
  const app = await build(t)
  for (let i = 1; i <= 6; i++) {
    const { id } = await app.vexaAdmin.users.create({ email: `${i}@${i < 5 ? 'a' : 'b'}` })
    if (i % 2 === 0) await app.vexaAdmin.users.update(id, { disabled: true })
  }
  const walk = async (query: string) => {
    const found: string[] = []
    for (let url: string | undefined = `/admin/users?${query}`; url !== undefined;) {
      const reply = await call(app, 'GET', url)
      t.equal(reply.statusCode, 200, url)
      found.push(...reply.json().map((user: { id: string }) => user.id.slice('user-'.length)))
      url = nextOf(url, reply.headers.link)
    }
    return found.join()
  }
  t.equal(await walk('disabled=true&limit=1'), '2,4,6')
  t.equal(await walk('disabled=false&limit=2'), '1,3,5')
  t.equal(await walk('disabled=false&order=desc&limit=1'), '5,3,1')
  t.equal(await walk('disabled=true&search=@a&limit=1'), '2,4')
  t.equal(await walk('disabled=true&after=user-2&skip=1'), '6')
  const total = async (query: string) => (await call(app, 'GET', `/admin/users?${query}`)).headers['x-total-count']
  t.equal(await total('count=true&disabled=true&limit=1'), '3')
  t.equal(await total('count=true&disabled=false&search=@b'), '1')
  t.same((await app.vexaAdmin.users.list({ disabled: true })).map(({ id }) => id), ['user-2', 'user-4', 'user-6'])
  await app.vexaAdmin.users.update('user-2', { disabled: false })
  t.equal(await walk('disabled=true'), '4,6')
})

t.test('GET /users: returns X-Total-Count only with count=true', async (t) => {
  const app = await build(t)
  for (let i = 0; i < 5; i++) await app.vexaAdmin.users.create({ email: `${i}@x`, name: `n${i % 2}` })
  const total = async (query: string) => (await call(app, 'GET', `/admin/users?${query}`)).headers['x-total-count']
  t.equal(await total('limit=2'), undefined)
  t.equal(await total('count=false'), undefined)
  t.equal(await total('count=true&limit=2&skip=1'), '5')
  t.equal(await total('count=true&search=N1'), '2')
  t.notMatch((await call(app, 'GET', '/admin/users?count=true&limit=2')).headers.link, /count/)
})
