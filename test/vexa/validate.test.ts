import t from 'tap'
import { call } from '../support/helpers.js'
import { buildVexa, callInternal, callVexa, createUser, vexaKeys } from '../support/vexa.js'

t.test('validate: returns the user, its limits, its webhook and its workspaces', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  const validate = async () => (await callInternal(app, 'POST', '/internal/validate', { token })).json()
  const plain = { user_id: 1, scopes: ['bot', 'tx'], max_concurrent: 3, email: 'jane@example.com', is_admin: false }
  t.strictSame(await validate(), plain)

  const webhook = { webhook_secret: 'a-secret-of-jane', webhook_events: { 'meeting.completed': true } }
  await callVexa(app, 'PATCH', '/admin/users/1', { data: { ...webhook, is_admin: true } })
  t.strictSame(await validate(), { ...plain, is_admin: true })
  await callVexa(app, 'PATCH', '/admin/users/1', { data: { webhook_url: 'https://example.com', memberships: 'x' } })
  t.strictSame(await validate(), {
    ...plain, is_admin: true, webhook_url: 'https://example.com', ...webhook, workspaces: []
  })
  await callVexa(app, 'PATCH', '/admin/users/1', {
    data: {
      webhook_secret: null,
      webhook_events: null,
      is_admin: 'true',
      memberships: [{ workspace_id: 'a', role: 'viewer' }, null, { role: 'viewer' }, { workspace_id: 'b' }]
    }
  })
  t.strictSame(await validate(), { ...plain, webhook_url: 'https://example.com', workspaces: ['a', 'b'] })
})

t.test('validate: a token without scopes has every scope', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const reply = await callInternal(app, 'POST', '/internal/validate', { token })
  t.same(reply.json().scopes, ['bot', 'tx', 'browser'])
})

t.test('validate: a token that is not valid gets 401', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  const expired = await app.vexaAdmin.tokens.create('user-1', { expires_in: 1 })
  const disabled = await app.vexaAdmin.tokens.create('user-1')
  await app.vexaAdmin.tokens.update(disabled.id, { disabled: true })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const validate = async (body: object) => {
    const reply = await callInternal(app, 'POST', '/internal/validate', body)
    return [reply.statusCode, reply.json().detail]
  }
  for (const body of [{}, { token: '' }, { token: null }]) t.same(await validate(body), [401, 'Missing token'])
  for (const wrong of [token.slice(0, -1), `${token} `, 'x', 1, [token], { token }, '\ud800\0', 'x'.repeat(100_000)]) {
    t.same(await validate({ token: wrong }), [401, 'Invalid token'])
  }
  t.same(await validate({ token: expired.token }), [401, 'Token expired'])
  t.same(await validate({ token: disabled.token }), [401, 'Token disabled'])
  await call(app, 'PATCH', '/api/admin/users/user-1', { payload: { disabled: true } })
  t.same(await validate({ token }), [401, 'User disabled'])
  await call(app, 'DELETE', '/api/admin/users/user-1')
  t.same(await validate({ token }), [401, 'Invalid token'])
})

t.test('validate: a body that is no object gets 422', async (t) => {
  const app = await buildVexa(t)
  for (const payload of ['[]', '"x"', '']) {
    const headers = { 'x-internal-secret': vexaKeys.internalSecret, 'content-type': 'application/json' }
    const reply = await app.inject({ method: 'POST', url: '/internal/validate', headers, payload })
    t.equal(reply.statusCode, 422)
  }
})

t.test('internal routes: return 403 without the secret, and 503 while there is none', async (t) => {
  const routes = [
    ['POST', '/internal/validate'], ['GET', '/internal/instance'], ['POST', '/internal/bootstrap-admin'],
    ['GET', '/internal/users/1/memberships'], ['POST', '/internal/users/1/memberships'],
    ['DELETE', '/internal/users/1/memberships/w']
  ] as const
  const app = await buildVexa(t)
  const open = await buildVexa(t, { internalSecret: undefined })
  for (const [method, url] of routes) {
    for (const headers of [{}, { 'x-internal-secret': 'wrong' }, { 'x-admin-api-key': vexaKeys.adminKey }]) {
      const reply = await app.inject({ method, url, headers })
      t.same([reply.statusCode, reply.json()], [403, { detail: 'Invalid internal secret' }])
    }
    const reply = await open.inject({ method, url, headers: { 'x-internal-secret': vexaKeys.internalSecret } })
    t.same([reply.statusCode, reply.json()], [503, { detail: 'The internal secret is not configured' }])
    t.notOk('retry-after' in reply.headers)
    t.equal((await open.inject({ method, url, headers: { 'x-internal-secret': '' } })).statusCode, 503)
  }
})
