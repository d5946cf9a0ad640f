import t from 'tap'
import { build, call } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

t.test('DELETE /tokens/:id: returns 204 without a body, and 404 the second time', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const kept = await app.vexaAdmin.tokens.create('user-1')
  const revoked = await app.vexaAdmin.tokens.create('user-1')

  const reply = await call(app, 'DELETE', `/admin/tokens/${revoked.id}`)
  t.equal(reply.statusCode, 204)
  t.equal(reply.body, '')
  t.equal(reply.headers['content-type'], undefined)
  t.equal(reply.headers['cache-control'], 'no-store')

  const again = await call(app, 'DELETE', `/admin/tokens/${revoked.id}`)
  t.equal(again.statusCode, 404)
  t.same(again.json(), {
    statusCode: 404, code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', error: 'Not Found', message: 'Token not found'
  })
  t.same((await app.vexaAdmin.users.get('user-1')).api_tokens.map(({ id }) => id), [kept.id])
})

t.test('DELETE /tokens/:id: accepts a content type without a body', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const reply = await call(app, 'DELETE', '/admin/tokens/token-1', { headers: { 'content-type': 'application/json' } })
  t.equal(reply.statusCode, 204)
})

t.test('DELETE /tokens/:id: returns one 204 for ten concurrent requests', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const replies = await Promise.all(Array.from({ length: 10 }, () => call(app, 'DELETE', '/admin/tokens/token-1')))
  t.same(replies.map((reply) => reply.statusCode).sort(), [204, ...Array(9).fill(404)])
})

t.test('DELETE /tokens/:id: returns 404 for an unknown id of any form', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  for (const id of [...strangeIds('token', 'user'), token]) {
    const reply = await call(app, 'DELETE', `/admin/tokens/${id}`)
    t.equal(reply.statusCode, 404, id)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', id)
  }
  t.equal((await app.vexaAdmin.users.get('user-1')).api_tokens.length, 1)
})

t.test('POST /users/:id/tokens: never reuses an id', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  await app.vexaAdmin.tokens.revoke('token-1')
  t.equal((await app.vexaAdmin.tokens.create('user-1')).id, 'token-2')
})

t.test('POST /users/:id/tokens: creates a token without a body or with an empty one', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const json = { 'content-type': 'application/json' }
  const values = new Set<string>()
  for (const options of [{}, { headers: json }, { headers: json, payload: '' }, { headers: json, payload: '{}' }]) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', options)
    t.equal(reply.statusCode, 201, JSON.stringify(options))
    const token = reply.json()
    t.same(Object.keys(token), ['id', 'token', 'user_id', 'created_at'])
    t.match(token, {
      id: `token-${values.size + 1}`, token: /^vex_[0-9A-Za-z]{36}$/, user_id: 'user-1', created_at: iso
    })
    values.add(token.token)
  }
  t.equal(values.size, 4)
})

t.test('POST /users/:id/tokens: rejects an invalid body', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const payload of [
    'null', '[]', '"x"', '{"name":1}', '{"scopes":["bot"]}', '{"expires_in":0}', '{"expires_in":"60"}',
    '{"expires_in":2147483648}', '{"expires_at":"2030-01-01"}', '{'
  ]) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', {
      payload, headers: { 'content-type': 'application/json' }
    })
    t.equal(reply.statusCode, 400, payload)
  }
  t.same((await app.vexaAdmin.users.get('user-1')).api_tokens, [])
})

t.test('POST /users/:id/tokens: returns 404 for an unknown user', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const id of strangeIds('user', 'token')) {
    const reply = await call(app, 'POST', `/admin/users/${id}/tokens`)
    t.equal(reply.statusCode, 404, id)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_USER_NOT_FOUND', id)
  }
})

t.test('POST /users/:id/tokens: stores name, scopes and expires_in', async (t) => {
  const app = await build(t, { scopes: ['bot', 'tx:read'] })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const before = Date.now()
  const reply = await call(app, 'POST', '/admin/users/user-1/tokens', {
    payload: { name: 'CI', scopes: ['tx:read', 'bot'], expires_in: 60 }
  })
  t.equal(reply.statusCode, 201)
  const token = reply.json()
  t.match(token, { name: 'CI', scopes: ['tx:read', 'bot'], expires_at: iso })
  t.equal(Date.parse(token.expires_at) - Date.parse(token.created_at), 60_000)
  t.ok(Date.parse(token.created_at) >= before)
  const { last_used_at: _, ...listed } = (await call(app, 'GET', '/admin/users/user-1/tokens')).json()[0]
  t.same(listed, { ...token, token: '***' })
  for (const payload of [
    { scopes: [] }, { scopes: ['other'] }, { scopes: ['bot', 'bot'] }, { scopes: 'bot' }, { scopes: null }
  ]) {
    t.equal(
      (await call(app, 'POST', '/admin/users/user-1/tokens', { payload })).statusCode, 400, JSON.stringify(payload)
    )
  }
  t.notOk('name' in (await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { name: null } })).json())
})

t.test('/users/:id/tokens: GET lists the tokens, and DELETE revokes them all', async (t) => {
  const app = await build(t)
  for (const email of ['a@b', 'c@d']) {
    const { id } = await app.vexaAdmin.users.create({ email })
    for (let i = 0; i < 3; i++) await app.vexaAdmin.tokens.create(id)
  }
  const list = await call(app, 'GET', '/admin/users/user-1/tokens')
  t.equal(list.statusCode, 200)
  t.same(list.json(), (await app.vexaAdmin.users.get('user-1')).api_tokens)
  t.equal((await call(app, 'HEAD', '/admin/users/user-1/tokens')).statusCode, 200)
  const reply = await call(app, 'DELETE', '/admin/users/user-1/tokens')
  t.equal(reply.statusCode, 204)
  t.same((await call(app, 'GET', '/admin/users/user-1/tokens')).json(), [])
  t.equal((await call(app, 'GET', '/admin/users/user-2/tokens')).json().length, 3)
  t.equal((await call(app, 'DELETE', '/admin/users/user-1/tokens')).statusCode, 204, 'without tokens, too')
  for (const id of strangeIds('user', 'token').filter((id) => id !== 'user-2')) {
    t.equal((await call(app, 'GET', `/admin/users/${id}/tokens`)).statusCode, 404, id)
    t.equal((await call(app, 'DELETE', `/admin/users/${id}/tokens`)).statusCode, 404, id)
  }
})

t.test('DELETE /tokens/:id: accepts an empty body and any JSON', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const status = async (payload: string, contentType: string) => {
    const { id } = await app.vexaAdmin.tokens.create('user-1')
    return (await call(app, 'DELETE', `/admin/tokens/${id}`, {
      payload, headers: { 'content-type': contentType }
    })).statusCode
  }
  t.equal(await status('{"any":"thing"}', 'application/json'), 204)
  t.equal(await status('{', 'application/json'), 400)
  t.equal(await status('x', 'text/plain'), 415)
  t.equal(await status(' '.repeat(200_000), 'application/json'), 413)
})

t.test('POST /tokens/verify: returns the user and token, or a code', async (t) => {
  const app = await build(t, { scopes: ['bot', 'tx'] })
  const { tokens, users } = app.vexaAdmin
  const user = await users.create({ email: 'a@b', data: { plan: 'pro' } })
  const token = await tokens.create(user.id, { name: 'CI', scopes: ['bot'] })
  const all = await tokens.create(user.id)
  const verify = async (payload: object) => {
    const reply = await call(app, 'POST', '/admin/tokens/verify', { payload })
    t.equal(reply.statusCode, 200)
    return reply.json()
  }
  const { last_used_at: _, ...verified } = (await verify({ token: token.token })).token
  t.same(verified, { ...token, token: '***' })
  t.same((await verify({ token: token.token })).user, user)
  t.match(await verify({ token: token.token, scopes: ['bot'] }), { valid: true })
  t.same(await verify({ token: token.token, scopes: ['bot', 'tx'] }), { valid: false, code: 'INSUFFICIENT_SCOPE' })
  t.match(await verify({ token: all.token, scopes: ['bot', 'tx'] }), {
    valid: true
  }, 'without scopes it may do everything')
  for (const value of [
    '', 'x', token.token.slice(0, -1), `${token.token}x`, `${token.token} `, token.token.replace('vex_', 'abc_'),
    token.token.toUpperCase(), flip(token.token), '💛'.repeat(20)
  ]) {
    t.same(await verify({ token: value }), { valid: false, code: 'NOT_FOUND' }, value)
  }
  await users.update(user.id, { disabled: true })
  t.same(await verify({ token: token.token, scopes: ['tx'] }), { valid: false, code: 'DISABLED' })
  await users.update(user.id, { disabled: false })
  t.match(await verify({ token: token.token }), { valid: true })
  await tokens.revoke(token.id)
  t.same(await verify({ token: token.token }), { valid: false, code: 'NOT_FOUND' })
  for (const payload of [
    {}, { token: 1 }, { token: null }, { token: all.token, scopes: ['other'] }, { token: all.token, scopes: [] },
    { token: all.token, id: 1 }
  ]) {
    t.equal(
      (await call(app, 'POST', '/admin/tokens/verify', { payload })).statusCode, 400,
      JSON.stringify(payload).replace(/vex_\w+/, '')
    )
  }
})

t.test('POST /users/:id/tokens: leaves no valid token if the user is deleted meanwhile', async (t) => {
  const app = await build(t)
  for (let round = 0; round < 20; round++) {
    const { id } = await app.vexaAdmin.users.create({ email: `${round}@x` })
    const create = () => call(app, 'POST', `/admin/users/${id}/tokens`)
    const [deletion, ...creations] = await Promise.all([
      create(), create(), create(), create(), create(), call(app, 'DELETE', `/admin/users/${id}`), create(), create(),
      create(), create(), create()
    ].sort(() => Math.random() - 0.5)).then((replies) =>
      replies.sort((a, b) => Number(b.statusCode === 204) - Number(a.statusCode === 204)))
    t.equal(deletion?.statusCode, 204)
    for (const reply of creations) {
      if (reply.statusCode === 404) continue
      t.equal(reply.statusCode, 201)
      t.same(await app.vexaAdmin.tokens.verify({ token: reply.json().token }), { valid: false, code: 'NOT_FOUND' })
    }
  }
})

t.test('seconds: only whole numbers in range are valid', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const old = await tokens.create('user-1')
  const statusOf = async (path: string, payload: string) =>
    (await call(app, 'POST', `/admin/${path}`, { payload, headers: { 'content-type': 'application/json' } })).statusCode
  for (const number of [
    '1e309', '-1e309', 'Infinity', 'NaN', '0x10', '010', '"-0"', '"60"', '-1', '1.5', '1e-7', '2147483648',
    '9007199254740992', '1e21', 'true', 'null', '[60]', '{}'
  ]) {
    t.equal(await statusOf('users/user-1/tokens', `{"expires_in":${number}}`), 400, `expires_in ${number}`)
    t.equal(await statusOf(`tokens/${old.id}/rotate`, `{"grace_period":${number}}`), 400, `grace_period ${number}`)
  }
  t.equal(await statusOf('users/user-1/tokens', '{"expires_in":-0}'), 400, 'zero seconds are too short')
  t.same(await tokens.list('user-1'), [{ ...old, token: '***' }])
  t.equal(await statusOf(`tokens/${old.id}/rotate`, '{"grace_period":-0}'), 201, 'minus zero is zero')
  t.same((await tokens.list('user-1')).map(({ id }) => id), ['token-2'], 'and no grace')
})

t.test('maxTokenLifetime: a new token gets it without expires_in, and 400 with a longer one', async (t) => {
  const app = await build(t, { maxTokenLifetime: 3600, scopes: ['bot'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const json = { 'content-type': 'application/json' }
  const seconds = ({ created_at: from, expires_at: to }: { created_at: string, expires_at?: string }) =>
    (Date.parse(to as string) - Date.parse(from)) / 1000
  for (const [options, expected] of [
    [{}, 3600], [{ headers: json }, 3600], [{ payload: {} }, 3600], [{ payload: { name: 'CI' } }, 3600],
    [{ payload: { expires_in: 3600 } }, 3600], [{ payload: { expires_in: 1, scopes: ['bot'] } }, 1]
  ] as const) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', options)
    t.equal(reply.statusCode, 201)
    t.equal(seconds(reply.json()), expected, JSON.stringify(options))
  }
  t.equal(seconds(await tokens.create('user-1')), 3600)
  t.equal(seconds(await tokens.create('user-1', { expires_in: undefined })), 3600)

  const before = await tokens.list('user-1')
  const message = '/expires_in Expected a whole number of seconds, from 1 to 3600'
  for (const expiresIn of [3601, 2147483647, 0, null, 'Infinity']) {
    const reply = await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { expires_in: expiresIn } })
    t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message: `body${message}` }, `${expiresIn}`)
    await t.rejects(tokens.create('user-1', { expires_in: expiresIn as number }),
      { statusCode: 400, code: 'VEXA_ADMIN_ERR_INVALID_INPUT', message })
  }
  t.same(await tokens.list('user-1'), before)
})

/** Returns the token with another last random character. */
function flip (token: string): string {
  const last = token.charAt(33)
  return token.slice(0, 33) + (last === 'a' ? 'b' : 'a') + token.slice(34)
}
