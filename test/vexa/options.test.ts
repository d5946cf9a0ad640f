import Fastify from 'fastify'
import t from 'tap'
import vexaAdmin, { sqliteStorage, type VexaAdminOptions } from '../../src/index.js'
import defaultExport, { vexaCompatibility, type VexaCompatibilityOptions } from '../../src/vexa/index.js'
import { buildVexa, callVexa, vexaKeys, vexaSettings } from '../support/vexa.js'

const code = 'VEXA_ADMIN_ERR_INVALID_OPTION'

t.test('vexaCompatibility: is the default export and a named one', async (t) => {
  t.equal(defaultExport, vexaCompatibility)
})

t.test('vexaCompatibility: a wrong option stops the boot with a coded error', async (t) => {
  const { adminKey } = vexaKeys
  const wrong: Array<[options: object, message: RegExp]> = [
    [{}, /`adminKey` of vexaCompatibility is not set.*openssl rand/],
    [{ adminKey: undefined }, /adminKey/],
    [{ adminKey: 'changeme' }, /`adminKey`.*16 printable.*`changeme`/],
    [{ adminKey: 'a key with spaces in it' }, /`adminKey`/],
    [{ adminKey: ['an-admin-key-in-an-array'] }, /`adminKey`/],
    [{ adminKey, analyticsKey: 'token' }, /`analyticsKey`/],
    [{ adminKey, internalSecret: '' }, /`internalSecret`/],
    [{ adminKey, analyticsKey: adminKey }, /same key/],
    [{ adminKey, internalSecret: adminKey }, /same key/],
    [{ adminKey, shape: '0.10' }, /`shape`/],
    [{ adminKey, shape: null }, /`shape`/],
    [{ adminKey, adminKeys: adminKey }, /no option `adminKeys`/]
  ]
  for (const [options, message] of wrong) {
    const app = Fastify()
    await app.register(vexaAdmin, { ...vexaSettings, storage: sqliteStorage({ filename: ':memory:' }) })
    app.register(vexaCompatibility, options as VexaCompatibilityOptions)
    await t.rejects(async () => app.ready(), { code, message }, JSON.stringify(options))
    await app.close()
  }
})

t.test('vexaCompatibility: no error at boot contains a key', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(vexaCompatibility, { adminKey: 'short-key', internalSecret: 'short-key' })
  const error = await app.ready().then(() => undefined, String)
  t.match(error, /`adminKey`/)
  t.notMatch(error, 'short-key')
})

t.test('vexaCompatibility: the wrong first plugin stops the boot with a coded error', async (t) => {
  const wrong: Array<[first: Partial<VexaAdminOptions>, message: RegExp]> = [
    [{ scopes: [] }, /`scopes: \['bot', 'tx', 'browser'\]`/],
    [{ scopes: ['bot', 'tx'] }, /scopes/],
    [{ scopes: ['bot', 'tx', 'browser', 'read'] }, /scopes/],
    [{ tokenPrefix: 'vxa_bot_' }, /`tokenPrefix: \['vxa_bot_', 'vxa_tx_', 'vxa_browser_'\]`/],
    [{ tokenPrefix: ['vxa_bot_', 'vxa_tx_', 'vex_'] }, /tokenPrefix/],
    [{ prefix: '/admin' }, /path \/admin\/users.*another `prefix`/]
  ]
  for (const [first, message] of wrong) {
    const app = Fastify()
    const storage = sqliteStorage({ filename: ':memory:' })
    app.register(vexaAdmin, { ...vexaSettings, storage, ...first })
    app.register(vexaCompatibility, vexaKeys)
    await t.rejects(async () => app.ready(), { code, message })
    await app.close()
  }
})

t.test('vexaCompatibility: stops the boot when it is registered before the first plugin', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(vexaCompatibility, vexaKeys)
  app.register(vexaAdmin, { ...vexaSettings, storage: sqliteStorage({ filename: ':memory:' }) })
  await t.rejects(async () => app.ready(), { code, message: /register fastify-vexa-admin first/ })
})

t.test('vexaCompatibility: the scopes and prefixes may be in any order', async (t) => {
  const app = await buildVexa(t, {}, {
    scopes: ['tx', 'browser', 'bot'], tokenPrefix: ['vxa_tx_', 'vxa_bot_', 'vxa_browser_']
  })
  t.equal((await callVexa(app, 'GET', '/admin/users')).statusCode, 200)
})

t.test('vexaCompatibility: a prefix puts a path before all routes', async (t) => {
  const app = await buildVexa(t, { prefix: '/vexa' }, { prefix: '/admin' })
  app.get('/', async () => 'home')
  app.get('/health', async () => 'healthy')
  t.equal((await callVexa(app, 'GET', '/vexa/admin/users/')).statusCode, 200)
  t.same((await app.inject('/vexa')).json(), { message: 'Vexa Admin API' })
  t.same((await app.inject('/vexa/health')).json(), { status: 'ok', service: 'admin-api' })
  t.equal((await app.inject('/health')).body, 'healthy')
})

t.test('vexaCompatibility: accepts the options that Fastify reads from a registration', async (t) => {
  const app = await buildVexa(t, { logLevel: 'warn' } as object)
  t.equal((await callVexa(app, 'GET', '/admin/users')).statusCode, 200)
})
