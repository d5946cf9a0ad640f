import t from 'tap'
import { emptyPlace, storageAt } from '../support/databases.js'
import { hear } from '../support/hear.js'
import { build, call } from '../support/helpers.js'

t.test('disabled tokens: each check rejects them, and accepts them when enabled', async (t) => {
  for (const tokenCache of [undefined, false, { ttl: 60_000 }] as const) {
    const app = await build(t, { scopes: ['bot'], tokenCache })
    const { requireToken, tokens, users } = app.vexaAdmin
    app.get('/me', { onRequest: requireToken() }, async ({ apiToken }) => apiToken)
    await users.create({ email: 'a@b' })
    const { token } = await tokens.create('user-1', { data: { plan: 'pro' } })
    const check = async () => {
      const me = await app.inject({ url: '/me', headers: { 'x-api-key': token } })
      const introspection = await call(app, 'POST', '/admin/introspect', { payload: { token } })
      return {
        me, introspection: introspection.json(), verification: await tokens.verify({ token }),
      }
    }
    const accepted = await check()
    t.equal(accepted.me.statusCode, 200)
    t.match(accepted.me.json(), { id: 'token-1', token: '***', data: { plan: 'pro' } })
    t.match([accepted.introspection, accepted.verification], [{ active: true }, { valid: true }])

    t.equal((await call(app, 'PATCH', '/admin/tokens/token-1', { payload: { disabled: true } })).statusCode, 200)
    const rejected = await check()
    t.equal(rejected.me.statusCode, 403)
    t.same(rejected.me.json(), {
      statusCode: 403,
      code: 'VEXA_ADMIN_ERR_TOKEN_DISABLED',
      error: 'Forbidden',
      message: 'The API token is disabled'
    })
    t.equal(rejected.me.headers['www-authenticate'], undefined)
    t.same(rejected.introspection, { active: false })
    t.same(rejected.verification, { valid: false, code: 'TOKEN_DISABLED' })

    await tokens.update('token-1', { disabled: false, data: { plan: 'free' } })
    const again = await check()
    t.match(again.me.json(), { id: 'token-1', data: { plan: 'free' } })
    t.notOk('disabled' in again.me.json())
    t.match([again.introspection, again.verification], [{ active: true }, { valid: true }])
  }
})

t.test('disabled tokens: the first of several reasons is returned', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { scopes: ['bot', 'tx'], storage: storageAt(place) })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const { token } = await tokens.create('user-1', { scopes: ['tx'], expires_in: 1 })
  const check = async () => {
    const { code } = (await call(app, 'POST', '/admin/tokens/verify', { payload: { token, scopes: ['bot'] } })).json()
    return code
  }
  t.equal(await check(), 'INSUFFICIENT_SCOPE')
  await users.update('user-1', { disabled: true })
  t.equal(await check(), 'DISABLED')
  await tokens.update('token-1', { disabled: true })
  t.equal(await check(), 'TOKEN_DISABLED')
  await new Promise((resolve) => setTimeout(resolve, 1001))
  t.equal(await check(), 'EXPIRED')
  await tokens.revoke('token-1')
  t.equal(await check(), 'NOT_FOUND')
})

t.test('disabled tokens: a check does not count as a use, and is heard', async (t) => {
  const heard = hear(t, 'fastify-vexa-admin:token:rejected')
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  const { requireToken, tokens, users } = app.vexaAdmin
  app.get('/me', { onRequest: requireToken() }, async () => 'in')
  await users.create({ email: 'a@b' })
  const { token } = await tokens.create('user-1')
  await tokens.update('token-1', { disabled: true })
  await app.inject({ url: '/me', headers: { 'x-api-key': token } })
  await tokens.verify({ token })
  t.match(heard, [{ route: '/me', reason: 'TOKEN_DISABLED' }])
  await app.close()
  const later = await build(t, { storage: storageAt(place) })
  t.notOk('last_used_at' in await later.vexaAdmin.tokens.get('token-1'))
})

t.test('disabled tokens: can be revoked by id and by value', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const [first, second] = [await tokens.create('user-1'), await tokens.create('user-1')]
  for (const { id } of [first, second]) await tokens.update(id, { disabled: true })
  t.equal((await call(app, 'DELETE', `/admin/tokens/${first.id}`)).statusCode, 204)
  t.equal((await call(app, 'POST', '/admin/revoke', { payload: { token: second.token } })).statusCode, 200)
  t.same(await tokens.list('user-1'), [])
})
