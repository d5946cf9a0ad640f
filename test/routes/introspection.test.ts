import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { answering, faultyStorage, throwing } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { adminKey, build, call } from '../support/helpers.js'

const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const form = (app: FastifyInstance, path: string, payload: string, headers: Record<string, string> = formType) =>
  call(app, 'POST', `/admin/${path}`, { payload, headers })
const inactive = '{"active":false}'

t.test('POST /introspect: returns the facts of an active token, for a form and for JSON', async (t) => {
  const app = await build(t, { scopes: ['bot', 'tx:read'] })
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'Jane@example.com' })
  const limited = await tokens.create('user-1', { scopes: ['tx:read', 'bot'], expires_in: 60 })
  const unlimited = await tokens.create('user-1')
  const seconds = (time?: string) => Math.floor(Date.parse(time as string) / 1000)
  const common = { active: true, username: 'jane@example.com', sub: 'user-1', token_type: 'Bearer' }
  const facts = {
    ...common,
    scope: 'tx:read bot',
    exp: seconds(limited.expires_at),
    iat: seconds(limited.created_at),
    jti: 'token-1'
  }
  for (const more of ['', '&token_type_hint=refresh_token', '&scope=bot', '&scope=bot+tx:read%20bot', '&scope=', '&',
    '&unknown=1&unknown=2', '&__proto__=x', '&=&token_type_hint']) {
    const reply = await form(app, 'introspect', `token=${limited.token}${more}`)
    t.equal(reply.statusCode, 200, more)
    t.same(reply.json(), facts, more)
    t.equal(reply.headers['cache-control'], 'no-store')
  }
  const encoded = [...limited.token].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')
  t.same((await form(app, 'introspect', `%74oken=${encoded}`)).json(), facts)
  const parameters = { 'content-type': 'Application/X-WWW-Form-urlencoded ; charset=utf-8' }
  t.same((await form(app, 'introspect', `token=${limited.token}`, parameters)).json(), facts)
  for (const more of [{}, { token_type_hint: 7 }, { scope: 'bot tx:read' }, { unknown: { a: [] } }]) {
    const reply = await call(app, 'POST', '/admin/introspect', { payload: { token: limited.token, ...more } })
    t.same(reply.json(), facts, JSON.stringify(more))
  }
  t.same((await form(app, 'introspect', `token=${unlimited.token}&scope=bot`)).json(), {
    ...common, iat: seconds(unlimited.created_at), jti: 'token-2'
  }, 'a token without scopes may do everything')
})

t.test('POST /introspect: returns exactly { "active": false } for any other value', async (t) => {
  const app = await build(t, { scopes: ['bot', 'read'] })
  const { users, tokens } = app.vexaAdmin
  for (const email of ['a@b', 'c@d']) await users.create({ email })
  const [expired, revoked, disabled, limited] = [
    await tokens.create('user-1', { expires_in: 1 }), await tokens.create('user-1'), await tokens.create('user-2'),
    await tokens.create('user-1', { scopes: ['read'] })
  ]
  await tokens.revoke(revoked.id)
  await users.update('user-2', { disabled: true })
  await sleep(1100)
  for (const token of [
    expired.token, revoked.token, disabled.token, `${limited.token}x`, limited.token.toUpperCase(), 'x', '%00',
    '%F0%9F%98%80', ' ', adminKey, `${limited.token}&scope=bot`, `${limited.token}&scope=read+bot`, 'x'.repeat(10_000)
  ]) {
    const reply = await form(app, 'introspect', `token=${token}`)
    t.equal(reply.statusCode, 200, token)
    t.equal(reply.body, inactive, token)
  }
})

t.test('POST /introspect, POST /revoke: return 400 for an invalid body and change nothing', async (t) => {
  const app = await build(t, { scopes: ['bot'] })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const json = { 'content-type': 'application/json' }
  for (const path of ['introspect', 'revoke']) {
    for (const [payload, message] of [
      ['', /token Expected required/], ['token', /token Expected required/], ['token=', /token Expected required/],
      ['tokens=x', /token Expected required/], ['__proto__[token]=x', /token Expected required/],
      [`token=${token}&token=${token}`, /parameter token more than once/], [`token=&token=${token}`, /more than once/],
      [`token=${token}&%74oken=x`, /parameter token more than once/],
      [`token=${token}&scope=bot&scope=bot`, /parameter scope more than once/],
      [`token=${token}&x=%`, /malformed escape/], [`token=${token}%zz`, /malformed escape/],
      [`token=${token}&%E0%A4%A=x`, /malformed escape/], [`token=${token}%FF`, /malformed escape/]
    ] as const) {
      const reply = await form(app, path, payload)
      t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message }, `${path} ${payload}`)
      t.notOk(reply.body.includes(token))
    }
    const bytes = await call(app, 'POST', `/admin/${path}`, {
      payload: Buffer.from(`token=${token}&x=\xe9`, 'latin1'), headers: formType
    })
    t.match(bytes.json(), { statusCode: 400, message: /not UTF-8/ })
    for (const payload of [
      '{}', '[]', 'null', '"x"', '{"token":1}', '{"token":null}', '{"token":["x"]}', `{"token":"${token}","token":"x"}`,
      '{"__proto__":{"token":"x"}}', '{'
    ]) {
      t.equal((await form(app, path, payload, json)).statusCode, 400, `${path} ${payload}`)
    }
    t.equal((await form(app, `${path}?token=${token}`, '')).statusCode, 400, 'a token in the query is rejected')
  }
  for (const scope of ['other', 'bot other', ' bot', 'bot  bot', 'Bot']) {
    t.match((await call(app, 'POST', '/admin/introspect', { payload: { token, scope } })).json(), {
      statusCode: 400, message: 'body/scope Expected scopes of this app, separated by single spaces: bot'
    }, scope)
  }
  const without = await build(t)
  t.match((await form(without, 'introspect', 'token=x&scope=bot')).json(), {
    statusCode: 400, message: /^body\/scope This app has no scopes/
  })
  t.match(await app.vexaAdmin.tokens.verify({ token }), { valid: true })
})

t.test('POST /introspect, POST /revoke: return 415 for other types and 413 for a large body', async (t) => {
  const app = await build(t)
  app.post('/form', async (request) => request.body)
  for (const path of ['introspect', 'revoke']) {
    for (const type of [
      'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencodedx', 'application/xml', 'nonsense'
    ]) {
      t.equal((await form(app, path, 'token=x', { 'content-type': type })).statusCode, 415, type)
    }
    const large = 'x'.repeat(16 * 1024)
    t.equal((await form(app, path, `token=${large}`)).statusCode, 413)
    t.equal((await call(app, 'POST', `/admin/${path}`, { payload: { token: large } })).statusCode, 413)
  }
  for (const url of ['/admin/tokens/verify', '/admin/users', '/admin/users/user-1/tokens']) {
    const reply = await call(app, 'POST', url, { payload: 'token=x&email=a@b', headers: formType })
    t.equal(reply.statusCode, 415, `${url} accepts no forms`)
  }
  t.equal((await app.inject({ method: 'POST', url: '/form', payload: 'a=b', headers: formType })).statusCode, 415,
    'routes of the app accept no forms')
})

t.test('POST /introspect: counts as a use of an active token', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  t.match((await form(app, 'introspect', `token=${token}`)).json(), { active: true })
  await app.close()
  const later = await build(t, { storage: storageAt(place) })
  t.match(await later.vexaAdmin.tokens.list('user-1'), [{ last_used_at: /^20/ }])
})

t.test('POST /revoke: revokes the token, and returns 200 with {} for any value', async (t) => {
  const app = await build(t, { scopes: ['bot'] })
  const { users, tokens } = app.vexaAdmin
  const heard = hear(t, 'fastify-vexa-admin:token:revoked')
  await users.create({ email: 'a@b' })
  const [first, second, expired, kept] = [
    await tokens.create('user-1'), await tokens.create('user-1', { scopes: ['bot'] }),
    await tokens.create('user-1', { expires_in: 1 }), await tokens.create('user-1')
  ]
  await sleep(1100)
  await users.update('user-1', { disabled: true })
  for (const payload of [
    `token=${first.token}`, `token=${first.token}`, `token=${second.token}&token_type_hint=access_token&other=1`,
    `token=${expired.token}`, 'token=x', `token=${kept.token}x`, `token=${kept.id}`
  ]) {
    const reply = await form(app, 'revoke', payload)
    t.equal(reply.statusCode, 200, payload)
    t.equal(reply.body, '{}', payload)
  }
  t.equal((await call(app, 'POST', '/admin/revoke', { payload: { token: second.token, x: 1 } })).body, '{}')
  t.same((await tokens.list('user-1')).map(({ id }) => id), [kept.id])
  t.match(heard, ['token-1', 'token-2', 'token-3'].map((tokenId) =>
    ({ tokenId, userId: 'user-1', prefix: '/admin', actor: /^\w{8}$/ })))
  t.equal(heard.length, 3, 'one event for each token')
})

t.test('POST /revoke: concurrent requests all return 200, and publish one event', async (t) => {
  const app = await build(t, { tokenCache: { ttl: 60_000 } })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async () => 'in')
  const heard = hear(t, 'fastify-vexa-admin:token:revoked')
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const use = async () => (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode
  t.equal(await use(), 200)
  const replies = await Promise.all(Array.from({ length: 10 }, () => form(app, 'revoke', `token=${token}`)))
  t.same(replies.map(({ statusCode }) => statusCode), Array(10).fill(200))
  t.equal(heard.length, 1)
  t.equal(await use(), 401)
})

t.test('POST /introspect, POST /revoke: return 503 when the storage cannot answer', async (t) => {
  const stored = emptyStorage(t)
  const app = await build(t, { storage: faultyStorage(stored, { revokeToken: throwing() }) })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const unavailable = { statusCode: 503, code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' }
  t.match((await form(app, 'revoke', `token=${token}`)).json(), unavailable)
  const down = await build(t, { storage: faultyStorage(emptyStorage(t), { findTokenByHash: throwing() }) })
  for (const path of ['introspect', 'revoke']) {
    const reply = await form(down, path, `token=${token}`)
    t.match(reply.json(), unavailable)
    t.equal(reply.headers['retry-after'], '1')
  }
})

t.test('POST /revoke: returns 409 when a row of the app refers to the token', async (t) => {
  const app = await build(t, { storage: faultyStorage(emptyStorage(t), { revokeToken: answering('referenced') }) })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  t.match((await form(app, 'revoke', `token=${token}`)).json(),
    { statusCode: 409, code: 'VEXA_ADMIN_ERR_TOKEN_REFERENCED' })
})

t.test('POST /introspect, POST /revoke: the log holds no key and no token', async (t) => {
  const lines: string[] = []
  const app = await build(t, {}, { logger: { level: 'trace', stream: { write: (line) => { lines.push(line) } } } })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const basic = `Basic ${Buffer.from(`x:${adminKey}`).toString('base64')}`
  for (const payload of [`token=${token}`, `token=${token}&token=${token}`, `token=${token}&x=%`, `scope=${token}`]) {
    for (const path of ['introspect', 'revoke']) {
      for (const sent of [{ 'x-admin-api-key': adminKey }, { authorization: basic }, { authorization: `${basic}x` }]) {
        await app.inject({ method: 'POST', url: `/admin/${path}`, payload, headers: { ...formType, ...sent } })
      }
    }
  }
  t.ok(lines.length > 20)
  for (const secret of [adminKey, token, basic.slice(6)]) t.notOk(lines.join('').includes(secret))
})
