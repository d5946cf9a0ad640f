import Fastify from 'fastify'
import t from 'tap'
import vexaAdmin from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { adminKey, build, call } from '../support/helpers.js'

t.test('messages: a 400 about a token names the valid values', async (t) => {
  const app = await build(t, { scopes: ['bot', 'tx:read'] })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { id, token } = await app.vexaAdmin.tokens.create('user-1')
  const unknown = 'body/scopes/0 Expected one of the scopes of this app: bot, tx:read'
  const array = 'body/scopes Expected an array of at least one scope, without duplicates'
  const said: Array<[path: string, payload: unknown, message: string]> = [
    [
      'users/user-1/tokens', { expires_in: 0 },
      'body/expires_in Expected a whole number of seconds, from 1 to 2147483647'
    ],
    [
      'users/user-1/tokens', { expires_in: '1d' },
      'body/expires_in Expected a whole number of seconds, from 1 to 2147483647'
    ],
    [
      'users/user-1/tokens', { expires_in: 1735689600000 },
      'body/expires_in Expected a whole number of seconds, from 1 to 2147483647'
    ],
    [
      `tokens/${id}/rotate`, { grace_period: 0.5 },
      'body/grace_period Expected a whole number of seconds, from 0 to 2147483647'
    ],
    ['users/user-1/tokens', { scopes: ['tx'] }, `${unknown}; not tx`],
    ['users/user-1/tokens', { scopes: ['bot', 'tx:write'] }, `${unknown.replace('/0', '/1')}; not tx:write`],
    ['tokens/verify', { token, scopes: ['tx'] }, `${unknown}; not tx`],
    // The message does not repeat these, because they may be secrets.
    ['users/user-1/tokens', { scopes: [token] }, unknown],
    ['users/user-1/tokens', { scopes: ['k'.repeat(16)] }, unknown],
    ['users/user-1/tokens', { scopes: ['a b'] }, unknown],
    ['users/user-1/tokens', { scopes: ['<b>'] }, unknown],
    ['users/user-1/tokens', { scopes: [{ toString: 1 }] }, unknown],
    ['users/user-1/tokens', { scopes: 'bot' }, array],
    ['users/user-1/tokens', { scopes: [] }, array],
    ['users/user-1/tokens', { scopes: ['bot', 'bot'] }, array]
  ]
  for (const [path, payload, message] of said) {
    t.match((await call(app, 'POST', `/admin/${path}`, {
      payload: JSON.stringify(payload), headers: { 'content-type': 'application/json' }
    })).json(), { statusCode: 400, message }, JSON.stringify(payload))
  }
  await t.rejects(app.vexaAdmin.tokens.create('user-1', { scopes: [Object.create(null)] }), {
    message: `/${unknown.replace('body/', '')}`
  })
})

t.test('messages: a 400 about scopes says so when the app has none', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const message = 'This app has no scopes (option `scopes` of fastify-vexa-admin): leave this member out'
  t.equal(
    (await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { scopes: ['bot'] } })).json().message,
    `body/scopes ${message}`
  )
  t.equal(
    (await call(app, 'POST', '/admin/tokens/verify', { payload: { token: 'x', scopes: ['bot'] } })).json().message,
    `body/scopes ${message}`
  )
  t.equal(
    (await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { scope: ['bot'] } })).json().message,
    'body/scope Unexpected property'
  )
  t.equal(
    (await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { ['scopes'.repeat(9)]: 1 } })).json().message,
    'body Unexpected property'
  )
  t.match((await call(app, 'POST', '/admin/users/user-1/tokens', {
    payload: '"x"', headers: { 'content-type': 'application/json' }
  })).json().message, /^body Expected object/)
  await t.rejects(app.vexaAdmin.tokens.create('user-1', { scopes: ['bot'] }), { message: `/scopes ${message}` })
})

t.test('messages: a 415 says what to send, even to an error handler of the app', async (t) => {
  const message = 'Unsupported Media Type: send JSON, with Content-Type: application/json'
  for (const handles of [false, true]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const handled: string[] = []
    if (handles) app.setErrorHandler((error: Error) => { handled.push(error.message); throw error })
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
    app.post('/own', async () => 'x')
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'x']
    for (const type of types) {
      const reply = await call(app, 'POST', '/admin/users', {
        payload: '{"email":"a@b"}', headers: { 'content-type': type }
      })
      t.same(reply.json(), {
        statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', error: 'Unsupported Media Type', message
      }, type)
    }
    t.same(handled, handles ? types.map(() => message) : [])
    const own = await app.inject({ method: 'POST', url: '/own', payload: 'x', headers: { 'content-type': 'text/xml' } })
    t.same(
      [own.statusCode, own.json().message], [415, 'Unsupported Media Type'], 'a route of the app keeps its message'
    )
  }
})
