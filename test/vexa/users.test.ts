import t from 'tap'
import { databaseNames, unavailable } from '../support/databases.js'
import { call } from '../support/helpers.js'
import { buildTwoVexa, buildVexa, callVexa, createUser, vexaKeys } from '../support/vexa.js'

t.test('users: the shape union has each member, and data without the image', async (t) => {
  const app = await buildVexa(t)
  const reply = await callVexa(app, 'POST', '/admin/users', {
    email: 'Jane@Example.com', name: 'Jane', image_url: 'https://example.com/jane.png', max_concurrent_bots: ' 7 '
  })
  t.equal(reply.statusCode, 201)
  const user = reply.json()
  t.match(user.created_at, /^\d{4}-\d\d-\d\dT.*Z$/)
  t.strictSame(user, {
    id: 1,
    email: 'jane@example.com',
    name: 'Jane',
    max_concurrent_bots: 7,
    data: {},
    image_url: 'https://example.com/jane.png',
    created_at: user.created_at
  })
  const again = await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com', name: 'Other' })
  t.strictSame([again.statusCode, again.json()], [200, user])
})

t.test('users: the first plugin shows the same users, with the image in data', async (t) => {
  const app = await buildVexa(t)
  await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com', image_url: 'https://example.com/a.png' })
  const { data: created } = (await call(app, 'GET', '/api/admin/users/user-1')).json()
  t.same(created, { vexa_image_url: 'https://example.com/a.png' })
  await call(app, 'PATCH', '/api/admin/users/user-1', { payload: { name: 'Jane', data: { plan: 'pro' } } })
  t.match((await callVexa(app, 'GET', '/admin/users/1')).json(), {
    id: 1, name: 'Jane', image_url: 'https://example.com/a.png', data: { plan: 'pro' }
  })
  await callVexa(app, 'PATCH', '/admin/users/1', { image_url: null })
  t.same((await call(app, 'GET', '/api/admin/users/user-1')).json().data, { plan: 'pro' })
  t.equal((await callVexa(app, 'GET', '/admin/users/1')).json().image_url, null)
})

t.test('PATCH /admin/users: replaces each first-level member of data as a whole', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  const patch = async (data: object) => (await callVexa(app, 'PATCH', '/admin/users/1', { data })).json().data
  t.strictSame(await patch({ a: { x: 1, y: 2 }, b: [1], kept: true }), { a: { x: 1, y: 2 }, b: [1], kept: true })
  t.strictSame(await patch({ a: { z: null }, b: null }), { a: { z: null }, b: null, kept: true })
})

t.test('PATCH /admin/users: leaves the user as it is when no member is given', async (t) => {
  const app = await buildVexa(t)
  await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com', name: 'Jane' })
  const before = (await call(app, 'GET', '/api/admin/users/user-1')).json()
  for (const body of [
    {}, { unknown: 1 }, { data: null }, { data: {} }, { max_concurrent_bots: null }, { email: 'JANE@example.com' }
  ]) t.equal((await callVexa(app, 'PATCH', '/admin/users/1', body)).statusCode, 200)
  t.same((await call(app, 'GET', '/api/admin/users/user-1')).json(), before)
  t.equal((await callVexa(app, 'PATCH', '/admin/users/1', { name: null })).json().name, null)
})

t.test('PATCH /admin/users: rejects another address with 400', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  for (const email of ['joe@example.com', null]) {
    const reply = await callVexa(app, 'PATCH', '/admin/users/1', { email, name: 'Joe' })
    t.same([reply.statusCode, reply.json()], [400, { detail: 'Cannot change user email via this endpoint.' }])
  }
  t.equal((await callVexa(app, 'GET', '/admin/users/1')).json().name, null)
})

for (const database of databaseNames) {
  t.test(`PATCH /admin/users: concurrent changes are all kept on ${database}`, {
    skip: await unavailable(database)
  }, async (t) => {
    const apps = await buildTwoVexa(t, database)
    const { id } = await createUser(apps[0], 'jane@example.com')
    const names = Array.from({ length: 10 }, (_, i) => `member${i}`)
    const replies = await Promise.all(names.map((name, i) => {
      const body = { data: { [name]: { value: i } }, ...i === 3 && { name } }
      return callVexa(apps[i % 2 as 0 | 1], 'PATCH', `/admin/users/${id}`, body)
    }))
    t.same([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
    const { data, name } = (await callVexa(apps[0], 'GET', `/admin/users/${id}`)).json()
    t.same(data, Object.fromEntries(names.map((name, i) => [name, { value: i }])))
    t.equal(name, 'member3')
  })
}

t.test('PATCH /admin/users: keeps 36 KiB of webhook deliveries when maxDataSize allows it', async (t) => {
  const deliveries = Array.from({ length: 100 }, (_, i) => ({
    id: String(i).padStart(32, '0'),
    event: 'test',
    meeting_id: 'test-meeting-123',
    meeting_name: 'Test Webhook',
    status: 'delivered',
    attempts: 1,
    max_attempts: 1,
    response_status: 200,
    response_time_ms: 12,
    endpoint_url: 'https://hooks.example.com/x',
    created_at: '2026-02-07T10:00:00.000Z',
    last_attempt_at: '2026-02-07T10:00:00.000Z'
  }))
  const body = { data: { webhook_deliveries: deliveries } }
  t.ok(JSON.stringify(body).length > 32 * 1024)
  const large = await buildVexa(t, {}, { maxDataSize: 128 * 1024 })
  await createUser(large, 'jane@example.com')
  t.equal((await callVexa(large, 'PATCH', '/admin/users/1', body)).statusCode, 200)
  t.strictSame((await callVexa(large, 'GET', '/admin/users/1')).json().data, body.data)

  const small = await buildVexa(t)
  await createUser(small, 'jane@example.com')
  const reply = await callVexa(small, 'PATCH', '/admin/users/1', body)
  t.same([reply.statusCode, reply.json()], [422, { detail: 'data must be at most 16384 bytes as JSON' }])
})

t.test('PATCH /admin/users: keeps the largest data when each of its characters is escaped', async (t) => {
  const app = await buildVexa(t, {}, { maxDataSize: 1024 * 1024 })
  await createUser(app, 'jane@example.com')
  const payload = `{"data":{"text":"${'\\u0061'.repeat(1024 * 1024 - 20)}"}}`
  const reply = await app.inject({
    method: 'PATCH',
    url: '/admin/users/1',
    headers: { 'x-admin-api-key': vexaKeys.adminKey, 'content-type': 'application/json' },
    payload
  })
  t.equal(reply.statusCode, 200)
})

t.test('users: wrong members get 422 with the issues of pydantic', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  const wrong: Array<[body: object, ...issues: object[]]> = [
    [{}, { type: 'missing', loc: ['body', 'email'], msg: 'Field required', input: {} }],
    [{ email: 1 }, { type: 'string_type', loc: ['body', 'email'], input: 1 }],
    [{ email: 'a b' }, { type: 'value_error', loc: ['body', 'email'], input: 'a b', ctx: { reason: /e-mail/ } }],
    [
      { email: 'a@b', name: 5, max_concurrent_bots: 'x' },
      { type: 'string_type', loc: ['body', 'name'] },
      { type: 'int_parsing', loc: ['body', 'max_concurrent_bots'], input: 'x' }
    ],
    [{ email: 'a@b', name: 'x'.repeat(256) }, { type: 'string_too_long', ctx: { max_length: 255 } }],
    [{ email: 'a@b', name: 'x\0' }, { type: 'string_unicode', input: null }],
    [{ email: 'a@b', max_concurrent_bots: true }, { type: 'int_type' }],
    [{ email: 'a@b', max_concurrent_bots: 1.5 }, { type: 'int_from_float' }],
    [{ email: 'a@b', max_concurrent_bots: -1 }, { type: 'greater_than_equal', ctx: { ge: 0 } }],
    [{ email: 'a@b', max_concurrent_bots: 2147483648 }, { type: 'less_than_equal', ctx: { le: 2147483647 } }],
    [{ email: [['x'.repeat(2000)]] }, { type: 'string_type', input: null }]
  ]
  for (const [body, ...issues] of wrong) {
    const reply = await callVexa(app, 'POST', '/admin/users', body)
    t.equal(reply.statusCode, 422)
    t.match(reply.json(), { detail: issues })
    t.equal(reply.json().detail.length, issues.length)
  }
  for (const [body, issue] of [
    [{ data: [] }, { type: 'dict_type', loc: ['body', 'data'] }],
    [{ data: { vexa_image_url: 'x' } }, { type: 'extra_forbidden', loc: ['body', 'data', 'vexa_image_url'] }]
  ] as const) t.match((await callVexa(app, 'PATCH', '/admin/users/1', body)).json(), { detail: [issue] })
  const deep = JSON.parse('{"a":'.repeat(40) + '1' + '}'.repeat(40))
  t.match((await callVexa(app, 'PATCH', '/admin/users/1', { data: deep })).json().detail, /at most 31 levels/)
})

t.test('bodies: a body that is not JSON gets 422', async (t) => {
  const app = await buildVexa(t)
  const json = { 'content-type': 'application/json' }
  const send = async (payload: string | Buffer, type: Record<string, string> = json) => {
    const headers = { 'x-admin-api-key': vexaKeys.adminKey, ...type }
    const reply = await app.inject({ method: 'POST', url: '/admin/users', headers, payload })
    return [reply.statusCode, reply.json().detail?.[0]]
  }
  const invalid = (position: number, error: RegExp) =>
    [422, { type: 'json_invalid', loc: ['body', position], input: {}, ctx: { error } }]
  t.match(await send('{'), invalid(1, /not JSON/))
  t.match(await send('nonsense'), invalid(8, /not JSON/))
  t.match(await send('{"__proto__": 1, "email": "a@b"}'), invalid(32, /not JSON that this server accepts/))
  t.match(await send('{"email": "a@b", "email": "c@d"}'), invalid(0, /duplicate member/))
  t.match(await send('{"max_concurrent_bots": 9007199254740993}'), invalid(0, /cannot represent/))
  t.match(await send(Buffer.from([0x22, 0xff, 0x22])), invalid(0, /UTF-8/))
  t.match(await send('"text"'), [422, { type: 'model_attributes_type', loc: ['body'], input: 'text' }])
  const levels = '['.repeat(50_000) + ']'.repeat(50_000)
  t.match(await send(`{"email": ${levels}}`), [422, { type: 'string_type', input: null }])
  t.match(await send('{"email": "a@b"}', { 'content-type': 'application/vnd.api+json; charset=utf-8' }), [201])
  t.match(await send('{"email": "c@d"}', {}), [201])
})

t.test('bodies: a body that is too large gets 413', async (t) => {
  const app = await buildVexa(t)
  const reply = await callVexa(app, 'POST', '/admin/users', { email: 'x'.repeat(7 * 1024 * 1024) })
  t.same([reply.statusCode, reply.json()], [413, { detail: 'Request body is too large' }])
})

t.test('GET /admin/users: returns any number of users, in order of creation', async (t) => {
  const app = await buildVexa(t)
  const { users } = app.vexaAdmin
  for (let i = 1; i <= 205; i++) await users.create({ email: `${i}@example.com` })
  const ids = async (query: string) =>
    (await callVexa(app, 'GET', `/admin/users${query}`)).json().map(({ id }: { id: number }) => id)
  const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
  t.same(await ids(''), from(1, 100))
  t.same(await ids('?limit=5000'), from(1, 205))
  t.same(await ids('?limit=150&skip=3'), from(4, 153))
  t.same(await ids('?limit=100&skip=200'), from(201, 205))
  t.same(await ids('?limit=1&limit=2'), [1, 2])
  t.same(await ids('?limit=0'), [])
  t.same(await ids('?skip=205'), [])
  const analytics = (await callVexa(app, 'GET', '/admin/analytics/users?limit=2')).json()
  t.same(analytics.map((user: object) => Object.keys(user).sort()), Array(2).fill(
    ['created_at', 'email', 'id', 'image_url', 'max_concurrent_bots', 'name']))
  for (const query of ['limit=-1', 'skip=-1', 'skip=x', 'limit=']) {
    const reply = await callVexa(app, 'GET', `/admin/users?${query}`)
    t.match([reply.statusCode, reply.json()], [422, { detail: [{ loc: ['query', query.split('=')[0]] }] }])
  }
})

t.test('GET /admin/users/email: finds long addresses, and addresses with a slash', async (t) => {
  const app = await buildVexa(t)
  for (const email of [`${'x'.repeat(150)}@example.com`, 'a/b@example.com', 'zoë@example.com']) {
    const { id } = (await callVexa(app, 'POST', '/admin/users', { email })).json()
    for (const end of ['', '/']) {
      const reply = await callVexa(app, 'GET', `/admin/users/email/${encodeURIComponent(email)}${end}`)
      t.match([reply.statusCode, reply.json()], [200, { id, email }])
      t.notOk('api_tokens' in reply.json())
    }
  }
})

t.test('ids: are integers, and anything else gets 422', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  for (const id of ['1', '+1', '001']) t.equal((await callVexa(app, 'GET', `/admin/users/${id}`)).json().id, 1)
  for (const id of ['0', '-1', '9'.repeat(90)]) {
    t.equal((await callVexa(app, 'GET', `/admin/users/${id}`)).statusCode, 404)
  }
  for (const id of ['user-1', '1.5', 'email', '1e3']) {
    const reply = await callVexa(app, 'GET', `/admin/users/${id}`)
    t.match([reply.statusCode, reply.json()], [422, { detail: [{ type: 'int_parsing', loc: ['path', 'user_id'] }] }])
  }
})

t.test('keys: each route accepts only its keys', async (t) => {
  const app = await buildVexa(t)
  const { adminKey, analyticsKey, internalSecret } = vexaKeys
  const status = async (method: 'GET' | 'POST' | 'DELETE', url: string, headers: Record<string, string | string[]>) =>
    (await app.inject({ method, url, headers })).statusCode
  for (const url of ['/admin/users', '/admin/analytics/users']) {
    t.equal(await status('GET', url, { 'x-admin-api-key': analyticsKey }), 200)
  }
  for (const [method, url] of [
    ['POST', '/admin/users'], ['GET', '/admin/users/1'], ['GET', '/admin/users/email/a@b'],
    ['POST', '/admin/users/1/tokens'], ['GET', '/admin/users/1/tokens'], ['DELETE', '/admin/tokens/1']
  ] as const) {
    for (const key of [analyticsKey, internalSecret, '', adminKey.toUpperCase(), [adminKey, adminKey]]) {
      t.equal(await status(method, url, { 'x-admin-api-key': key }), 403)
    }
    t.equal(await status(method, url, { 'x-internal-secret': internalSecret }), 403)
  }
})

t.test('users: the shape 0.12 has no more members than Vexa 0.12', async (t) => {
  const app = await buildVexa(t, { shape: '0.12' })
  const created = await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com', image_url: 'x', foo: 1 })
  t.strictSame(created.json(), { id: 1, email: 'jane@example.com', name: null, max_concurrent_bots: 3, data: {} })
  t.strictSame((await callVexa(app, 'GET', '/admin/users/1')).json(), created.json())
  const patch = async (body: object) => {
    const reply = await callVexa(app, 'PATCH', '/admin/users/1', body)
    return [reply.statusCode, reply.json()]
  }
  const billing = {
    updated_by_webhook: 1777777777, subscription_tier: 'a', transcription_enabled: true, stripe_customer_id: null
  }
  t.match(await patch({ max_concurrent_bots: '5', data: billing }), [200, { max_concurrent_bots: 5, data: billing }])
  t.match(await patch({ data: { subscription_tier: null } }), [200, { data: { ...billing, subscription_tier: null } }])
  for (const [body, type] of [
    [{ data: { h: 1 } }, 'extra_forbidden'], [{ name: 'x' }, 'extra_forbidden'], [{}, 'value_error'],
    [{ data: {} }, 'value_error'], [{ max_concurrent_bots: null }, 'value_error'],
    [{ data: { transcription_enabled: 'x' } }, 'bool_type'], [{ data: [] }, 'model_attributes_type']
  ] as const) t.match(await patch(body), [422, { detail: [{ type }] }])
})
