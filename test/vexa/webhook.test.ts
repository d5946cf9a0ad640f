import t from 'tap'
import { call } from '../support/helpers.js'
import { buildVexa, callUser, callVexa, createUser } from '../support/vexa.js'

const url = 'https://example.com/hook'
const secret = 'a-secret-of-jane'

t.test('webhook: is kept in data, and no reply shows its secret', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  const events = { 'meeting.completed': true, 'meeting.started': false }
  t.strictSame((await callUser(app, token, 'GET', '/user/webhook')).json(), {
    webhook_url: null, webhook_secret_set: false, webhook_secret: null, webhook_events: null
  })
  const put = await callUser(app, token, 'PUT', '/user/webhook', {
    webhook_url: url, webhook_secret: ` ${secret} `, webhook_events: events
  })
  t.equal(put.statusCode, 200)
  t.strictSame(put.json().data, { webhook_url: url, webhook_events: events })
  t.match(put.json(), { id: 1, image_url: null })
  t.strictSame((await callUser(app, token, 'GET', '/user/webhook')).json(), {
    webhook_url: url, webhook_secret_set: true, webhook_secret: '********jane', webhook_events: events
  })
  for (const path of ['users', 'users/1', 'users/email/jane@example.com', 'analytics/users']) {
    const reply = await callVexa(app, 'GET', `/admin/${path}`)
    t.equal(reply.statusCode, 200)
    t.notMatch(reply.body, secret)
  }
  t.equal((await call(app, 'GET', '/api/admin/users/user-1')).json().data.webhook_secret, secret)
})

t.test('webhook: absent members stay, and null removes them in the shape union', async (t) => {
  for (const [shape, removes] of [['union', true], ['0.12', false]] as const) {
    const app = await buildVexa(t, { shape })
    const { token } = await createUser(app, 'jane@example.com')
    const set = async (body: object) => {
      t.equal((await callUser(app, token, 'PUT', '/user/webhook', { webhook_url: url, ...body })).statusCode, 200)
      const { data } = await app.vexaAdmin.users.get('user-1')
      return [data?.webhook_secret, data?.webhook_events]
    }
    const full = { webhook_secret: secret, webhook_events: { a: true } }
    t.same(await set(full), [secret, { a: true }])
    t.same(await set({}), [secret, { a: true }])
    t.same(await set({ webhook_secret: null }), [removes ? undefined : secret, { a: true }])
    await set(full)
    t.same(await set({ webhook_secret: ' ' }), [removes ? undefined : secret, { a: true }])
    t.same((await set({ webhook_events: null }))[1], removes ? undefined : { a: true })
  }
})

t.test('webhook: masks a short secret as a whole', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  await callUser(app, token, 'PUT', '/user/webhook', { webhook_url: url, webhook_secret: 'eight-ch' })
  t.equal((await callUser(app, token, 'GET', '/user/webhook')).json().webhook_secret, '********')
})

t.test('webhook: wrong members get 422, and the reply does not repeat the secret', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  for (const [body, type] of [
    [{ webhook_secret: secret }, 'missing'],
    [{ webhook_secret: secret, webhook_url: 'example.com' }, 'url_parsing'],
    [{ webhook_secret: secret, webhook_url: 'file:///etc/passwd' }, 'url_parsing'],
    [{ webhook_secret: secret, webhook_url: 'https://' }, 'url_parsing'],
    [{ webhook_secret: secret, webhook_url: `${url}/${'x'.repeat(2100)}` }, 'url_parsing'],
    [{ webhook_secret: secret, webhook_url: 5 }, 'url_parsing'],
    [{ webhook_secret: secret.repeat(50), webhook_url: url }, 'string_too_long'],
    [{ webhook_url: url, webhook_secret: [secret] }, 'string_type'],
    [{ webhook_url: url, webhook_events: { a: 'yes' } }, 'bool_type']
  ] as const) {
    const reply = await callUser(app, token, 'PUT', '/user/webhook', body)
    t.match([reply.statusCode, reply.json()], [422, { detail: [{ type }] }])
    t.notMatch(reply.body, secret)
  }
  const events = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [i, true]))
  const reply = await callUser(app, token, 'PUT', '/user/webhook', { webhook_url: url, webhook_events: events })
  t.equal(reply.statusCode, 413)
})

t.test('webhook: needs a valid token', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  for (const method of ['GET', 'PUT'] as const) {
    const missing = await app.inject({ method, url: '/user/webhook' })
    t.same([missing.statusCode, missing.json()], [401, { detail: 'Missing API Key' }])
    for (const wrong of ['x', `${token}, ${token}`, token.toUpperCase()]) {
      const reply = await callUser(app, wrong, method, '/user/webhook')
      t.same([reply.statusCode, reply.json()], [403, { detail: 'Invalid API Key' }])
    }
  }
  await app.vexaAdmin.users.update('user-1', { disabled: true })
  t.equal((await callUser(app, token, 'GET', '/user/webhook')).statusCode, 403)
})
