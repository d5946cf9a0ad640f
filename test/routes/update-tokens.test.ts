import { mock } from 'node:test'
import t from 'tap'
import { emptyPlace, storageAt } from '../support/databases.js'
import { build, call } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

t.test('PATCH /tokens/:id: `expires_in` extends the grace period of a rotated token', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.teardown(() => mock.timers.reset())
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const { id, token } = await tokens.create('user-1')
  await tokens.rotate(id, { grace_period: 60 })
  t.equal((await call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { expires_in: 120 } })).statusCode, 200)
  mock.timers.tick(119_999)
  t.match(await tokens.verify({ token }), { valid: true })
  mock.timers.tick(1)
  t.same(await tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
})

t.test('PATCH /tokens/:id: updates the given members, and leaves the others', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.teardown(() => mock.timers.reset())
  const app = await build(t, { scopes: ['bot', 'tx'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const { token: value, ...created } = await tokens.create('user-1', { scopes: ['bot'], expires_in: 60 })
  await tokens.create('user-1', { name: 'other' })
  let known: object = { ...created, token: '***' }
  mock.timers.tick(10_000)
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
  for (const [payload, expected] of [
    [{}, {}],
    [{ name: 'CI' }, { name: 'CI' }],
    [{ scopes: ['tx', 'bot'] }, { scopes: ['tx', 'bot'] }],
    [{ data: { plan: 'pro', limits: { a: 1 } } }, { data: { plan: 'pro', limits: { a: 1 } } }],
    [{ data: { plan: null, limits: { b: null, c: [null] } } }, { data: { limits: { a: 1, c: [null] } } }],
    [{ expires_in: 3600 }, { expires_at: inSeconds(3600) }],
    [{ disabled: true }, { disabled: true }],
    [{ disabled: true, name: '' }, { name: '' }],
    [{ name: null, scopes: null }, { name: undefined, scopes: undefined }],
    [{ disabled: false, data: null }, { disabled: undefined, data: undefined }],
    [{ expires_in: null }, { expires_at: undefined }],
    [{ expires_in: 2147483647 }, { expires_at: inSeconds(2147483647) }]
  ] as Array<[object, object]>) {
    const reply = await call(app, 'PATCH', '/admin/tokens/token-1', { payload })
    t.equal(reply.statusCode, 200)
    known = JSON.parse(JSON.stringify({ ...known, ...expected }))
    t.same(reply.json(), known, JSON.stringify(payload))
    t.equal(reply.headers['cache-control'], 'no-store')
    t.same((await tokens.list('user-1'))[0], known)
  }
  t.match(await tokens.verify({ token: value }), { valid: true })
  t.match((await tokens.list('user-1'))[1], { name: 'other' }, 'another token stays as it is')
  const patch = { payload: '{"name":"x"}', headers: { 'content-type': 'application/merge-patch+json' } }
  t.match((await call(app, 'PATCH', '/admin/tokens/token-1', patch)).json(), { name: 'x' })
  t.match(await tokens.update('token-1', { name: undefined, data: { a: 1 } }), { name: 'x', data: { a: 1 } })
})

t.test('PATCH /tokens/:id: rejects an invalid body, and 404 for an unknown id', async (t) => {
  const app = await build(t, { scopes: ['bot'], maxDataSize: 100 })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  await tokens.create('user-1', { name: 'CI', data: { a: 'x'.repeat(60) } })
  const before = await tokens.list('user-1')
  for (const [payload, message] of [
    ['null', /body/], ['[]', /body/], ['{"name":1}', /name Expected well-formed text/], ['{"disabled":null}', /disabled/],
    ['{"disabled":"true"}', /disabled/], ['{"scopes":[]}', /scopes/], ['{"scopes":["bot","bot"]}', /scopes/],
    ['{"scopes":["admin"]}', /scopes Expected an array of different scopes of this app \(bot\), or null for all/],
    ['{"expires_in":0}', /expires_in Expected a whole number of seconds, from 1 to 2147483647, or null/],
    ['{"expires_in":"60"}', /expires_in/], ['{"expires_in":1.5}', /expires_in/], ['{"expires_in":2147483648}', /expires_in/],
    ['{"expires_at":"2030-01-01T00:00:00Z"}', /expires_at Unexpected/], ['{"user_id":"user-2"}', /Unexpected/],
    ['{"token":"x"}', /Unexpected/], ['{"start":"x"}', /Unexpected/], ['{"data":[]}', /data/], ['{"data":1}', /data/],
    [JSON.stringify({ data: { b: 'x'.repeat(40) } }), /^data must be at most 100 bytes as JSON$/], ['{', /./]
  ] as const) {
    const reply = await call(app, 'PATCH', '/admin/tokens/token-1', {
      payload, headers: { 'content-type': 'application/json' }
    })
    t.equal(reply.statusCode, 400, payload)
    t.match(reply.json().message, message)
  }
  t.equal((await call(app, 'PATCH', '/admin/tokens/token-1')).statusCode, 400, 'without a body')
  for (const changes of [{ disabled: 1 }, null, undefined, { id: 'token-2' }, { data: new Map() }]) {
    await t.rejects(tokens.update('token-1', changes as object), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  t.same(await tokens.list('user-1'), before)
  for (const id of strangeIds('token', 'user')) {
    const reply = await call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { name: 'x' } })
    t.same([reply.statusCode, reply.json().code], [404, 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND'], id)
  }
})

t.test('PATCH /tokens/:id: has no member `scopes` when the app has none', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const { statusCode, json } = await call(app, 'PATCH', '/admin/tokens/token-1', { payload: { scopes: null } })
  t.equal(statusCode, 400)
  t.match(json().message, /This app has no scopes/)
})

t.test('PATCH /tokens/:id: never brings an expired token back', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.teardown(() => mock.timers.reset())
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const { token } = await tokens.create('user-1', { expires_in: 60 })
  mock.timers.tick(59_999)
  t.equal((await call(app, 'PATCH', '/admin/tokens/token-1', { payload: { name: 'x' } })).statusCode, 200)
  mock.timers.tick(1)
  const before = await tokens.get('token-1')
  for (const payload of [{}, { name: 'y' }, { expires_in: 60 }, { expires_in: null }, { disabled: false }]) {
    const reply = await call(app, 'PATCH', '/admin/tokens/token-1', { payload })
    t.same(reply.json(), {
      statusCode: 409, code: 'VEXA_ADMIN_ERR_TOKEN_EXPIRED', error: 'Conflict', message: 'The token has expired'
    }, JSON.stringify(payload))
    await t.rejects(tokens.update('token-1', payload), { code: 'VEXA_ADMIN_ERR_TOKEN_EXPIRED', statusCode: 409 })
  }
  t.same(await tokens.get('token-1'), before)
  t.same(await tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
})

t.test('PATCH /tokens/:id: a rotation gives the successor the updated lifetime', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const lifetimeAfter = async (expiresIn: number | null) => {
    const { id } = await tokens.create('user-1', { expires_in: 60 })
    await tokens.update(id, { expires_in: expiresIn })
    const { created_at: from, expires_at: to } = await tokens.rotate(id)
    return to === undefined ? null : (Date.parse(to) - Date.parse(from)) / 1000
  }
  t.equal(await lifetimeAfter(7200), 7200)
  t.equal(await lifetimeAfter(null), null)
})

t.test('maxTokenLifetime: an update can neither exceed it nor remove the expiry', async (t) => {
  const place = emptyPlace(t)
  const { vexaAdmin: { users, tokens: unlimited } } = await build(t, { storage: storageAt(place) })
  await users.create({ email: 'a@b' })
  const older = await unlimited.create('user-1')
  const app = await build(t, { storage: storageAt(place), maxTokenLifetime: 3600 })
  const message = '/expires_in Expected a whole number of seconds, from 1 to 3600'
  for (const expiresIn of [null, 3601, 0]) {
    const reply = await call(app, 'PATCH', '/admin/tokens/token-1', { payload: { expires_in: expiresIn } })
    t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message: `body${message}` }, `${expiresIn}`)
    await t.rejects(app.vexaAdmin.tokens.update('token-1', { expires_in: expiresIn }), { statusCode: 400, message })
  }
  const renamed = await app.vexaAdmin.tokens.update('token-1', { name: 'x' })
  t.same(renamed, { ...older, token: '***', name: 'x' }, 'an older token keeps its lifetime')
  const { expires_at: dies } = await app.vexaAdmin.tokens.update('token-1', { expires_in: 3600 })
  t.ok(Math.abs(Date.parse(dies as string) - Date.now() - 3_600_000) < 5000)
})
