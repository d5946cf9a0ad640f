import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import t from 'tap'
import { adminKey, build, call } from '../support/helpers.js'

// By its name, because the compiled test is in another folder.
const { version } = createRequire(import.meta.url)('fastify-vexa-admin/package.json')
const all = ['read', 'users', 'tokens', 'verify', 'audit']

t.test('GET /settings: returns the defaults, and a key without a name', async (t) => {
  const app = await build(t)
  const reply = await call(app, 'GET', '/admin/settings')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'no-store')
  t.same(reply.json(), {
    version,
    scopes: [],
    token_prefixes: ['vex_'],
    default_max_concurrent_bots: 3,
    max_token_lifetime: null,
    audit: false,
    key: { name: null, permissions: all }
  })
  const head = await call(app, 'HEAD', '/admin/settings')
  t.same([head.statusCode, head.body, head.headers['content-length']], [200, '', reply.headers['content-length']])
})

t.test('GET /settings: returns the options, and the name and permissions of the key', async (t) => {
  const sha256 = createHash('sha256').update('the-key-of-the-gateway').digest('hex')
  const app = await build(t, {
    adminKeys: [adminKey, { name: 'Zoë’s gateway', sha256, permissions: ['verify', 'read'] }],
    scopes: ['bot', 'tx:read'],
    tokenPrefix: ['new_', 'vex_'],
    defaultMaxConcurrentBots: 0,
    maxTokenLifetime: 86400
  })
  const reply = await app.inject({
    url: '/admin/settings',
    headers: { 'x-admin-api-key': 'the-key-of-the-gateway' }
  })
  t.same(reply.json(), {
    version,
    scopes: ['bot', 'tx:read'],
    token_prefixes: ['new_', 'vex_'],
    default_max_concurrent_bots: 0,
    max_token_lifetime: 86400,
    audit: false,
    key: { name: 'Zoë’s gateway', permissions: ['verify', 'read'] }
  })
  t.notMatch(reply.body, sha256)
  const { key, ...settings } = reply.json()
  t.same(app.vexaAdmin.settings, settings)
  t.ok(key)
  t.same((await call(app, 'GET', '/admin/settings')).json().key, { name: null, permissions: all })
})

t.test('GET /settings: returns whether the app keeps an audit trail', async (t) => {
  for (const audit of [false, true, { retention: 30 }]) {
    const app = await build(t, { audit })
    t.equal((await call(app, 'GET', '/admin/settings')).json().audit, audit !== false)
  }
})

t.test('GET /settings: returns the admin whom `authorize` accepts', async (t) => {
  let answer: boolean | { actor: string, permissions?: ['audit'] } = true
  const app = await build(t, { authorize: () => answer })
  const key = async () => (await app.inject('/admin/settings')).json().key
  t.same(await key(), { name: null, permissions: all })
  answer = { actor: 'jane@example.com' }
  t.same(await key(), { name: 'jane@example.com', permissions: all })
  answer = { actor: 'joe', permissions: ['audit'] }
  t.same(await key(), { name: 'joe', permissions: ['audit'] })
  answer = false
  t.equal((await app.inject('/admin/settings')).statusCode, 401)
})

t.test('GET /settings: needs a valid key, and takes no query', async (t) => {
  const app = await build(t)
  t.equal((await app.inject('/admin/settings')).statusCode, 401)
  t.equal((await call(app, 'GET', '/admin/settings?x=1')).statusCode, 400)
  t.equal((await call(app, 'POST', '/admin/settings')).statusCode, 404)
})

t.test('settings: the code of an app cannot change them', async (t) => {
  const { settings } = (await build(t, { scopes: ['bot'] })).vexaAdmin
  for (const part of [settings, settings.scopes, settings.token_prefixes]) t.ok(Object.isFrozen(part))
})
