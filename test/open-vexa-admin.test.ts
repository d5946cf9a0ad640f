import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  auditEvents, openVexaAdmin, type OpenVexaAdminOptions, type StorageAdapter, sqliteStorage
} from '../src/index.js'
import { emptyPlace, emptyStorage, storageAt } from './support/databases.js'
import { faultyStorage, hanging, throwing } from './support/faulty-storage.js'
import { hear } from './support/hear.js'
import { build } from './support/helpers.js'

t.test('openVexaAdmin: its services share users and tokens with an app', async (t) => {
  const place = emptyPlace(t)
  const admin = await openVexaAdmin({ storage: storageAt(place), scopes: ['bot'], tokenPrefix: ['acme_', 'vex_'] })
  t.same(Object.keys(admin).sort(), ['audit', 'close', 'export', 'import', 'ping', 'tokens', 'users'])
  const user = await admin.users.create({ email: 'jane@example.com' })
  const { token, ...created } = await admin.tokens.create(user.id, { scopes: ['bot'] })
  t.match(token, /^acme_/)
  t.match(await admin.tokens.verify({ token, scopes: ['bot'] }), { valid: true, user })
  await admin.ping()
  await admin.close()

  const app = await build(t, { storage: storageAt(place), scopes: ['bot'], tokenPrefix: 'acme_' })
  t.match(await app.vexaAdmin.users.get(user.id), { ...user, api_tokens: [{ ...created, last_used_at: /^20/ }] },
    '`close` has written the last use')
})

t.test('openVexaAdmin: the storage is vexa-admin.db when the option is absent', async (t) => {
  const directory = t.testdir()
  const previous = process.cwd()
  t.teardown(() => process.chdir(previous))
  process.chdir(directory)
  const { users, close } = await openVexaAdmin()
  t.match(await users.create({ email: 'a@b' }), { max_concurrent_bots: 3 })
  await close()
  t.ok(existsSync(join(directory, 'vexa-admin.db')))
  t.notOk(existsSync(join(directory, 'vexa-admin.db-wal')), 'the database was closed')
})

t.test('openVexaAdmin: applies the options that concern services', async (t) => {
  const options = { defaultMaxConcurrentBots: 7, duplicateEmail: 'return', tokenCache: { ttl: 1000 } } as const
  const { users, close } = await openVexaAdmin({ storage: emptyStorage(t), ...options })
  t.teardown(close)
  const user = await users.create({ email: 'a@b' })
  t.equal(user.max_concurrent_bots, 7)
  t.same(await users.create({ email: 'A@B' }), user)
})

t.test('openVexaAdmin: throws a coded error, and opens nothing, when an option is wrong', async (t) => {
  const calls: string[] = []
  const storage = faultyStorage(emptyStorage(t), { open: async () => { calls.push('open') } })
  const wrong: Array<[object, RegExp]> = [
    [{ adminKeys: 'an-admin-key-for-the-tests' }, /no option `adminKeys`/],
    [{ authorize: () => true }, /no option `authorize`/],
    [{ prefix: '/x' }, /no option `prefix`/],
    [{ hide: true }, /no option `hide`/],
    [{ trustedOrigins: [] }, /no option `trustedOrigins`/],
    [{ scopes: ['a b'] }, /scopes/],
    [{ tokenPrefix: '' }, /tokenPrefix/],
    [{ storageTimeout: 0 }, /storageTimeout/],
    [{ duplicateEmail: 'ignore' }, /duplicateEmail/]
  ]
  for (const [options, message] of wrong) {
    await t.rejects(openVexaAdmin({ storage, ...options } as OpenVexaAdminOptions),
      { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message })
  }
  await t.rejects(openVexaAdmin({ storage: {} as StorageAdapter }), { message: /`storage`.*no method `open`/ })
  t.same(calls, [])
})

t.test('openVexaAdmin: closes the storage, and throws the error, when it cannot be opened', async (t) => {
  for (const close of [undefined, throwing(new Error('cannot close either'))]) {
    const calls: string[] = []
    const storage = faultyStorage(emptyStorage(t), {
      open: throwing(new Error('refused')),
      close: async () => { calls.push('close'); await close?.() }
    })
    await t.rejects(openVexaAdmin({ storage }), {
      code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /cannot be opened: refused/, cause: { message: 'refused' }
    })
    t.same(calls, ['close'])
  }
  // The error of a host with several addresses has no message.
  const away = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })
  await t.rejects(openVexaAdmin({ storage: faultyStorage(emptyStorage(t), { open: throwing(away) }) }),
    { message: /cannot be opened: ECONNREFUSED$/ })
  await t.rejects(openVexaAdmin({ storage: sqliteStorage({ filename: '/nowhere/at/all.db' }) }),
    { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /SQLite cannot open \/nowhere\/at\/all\.db/ })
})

t.test('close: closes the storage once, and throws when that fails', async (t) => {
  const calls: string[] = []
  const stored = emptyStorage(t)
  const counting = faultyStorage(stored, { close: async () => { calls.push('close'); await stored.close() } })
  const { users, close, ping } = await openVexaAdmin({ storage: counting })
  await Promise.all([close(), close()])
  await close()
  t.same(calls, ['close'])
  await t.rejects(users.create({ email: 'a@b' }), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
  await t.rejects(ping(), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })

  const failing = await openVexaAdmin({ storage: faultyStorage(emptyStorage(t), { close: throwing() }) })
  await t.rejects(failing.close(), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
})

t.test('close: emits a warning when `last_used_at` cannot be written', async (t) => {
  const warnings: string[] = []
  const listener = ({ message }: Error) => { warnings.push(message) }
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const storage = faultyStorage(emptyStorage(t), { touchTokens: throwing(new Error('a secret of the driver')) })
  const { users, tokens, close } = await openVexaAdmin({ storage })
  const { id } = await users.create({ email: 'a@b' })
  await tokens.verify(await tokens.create(id).then(({ token }) => ({ token })))
  await close()
  await new Promise(setImmediate)
  t.same(warnings, ['fastify-vexa-admin: last_used_at cannot be written now'])
})

t.test('openVexaAdmin: its events have an actor, but no prefix', async (t) => {
  const heard = hear(t, ...auditEvents)
  const { users, tokens, close } = await openVexaAdmin({ storage: emptyStorage(t) })
  t.teardown(close)
  await users.create({ email: 'a@b' }, { actor: 'script' })
  await tokens.create('user-1')
  t.same(heard, [{ actor: 'script', userId: 'user-1' }, { userId: 'user-1', tokenId: 'token-1' }])
})

t.test('openVexaAdmin: its changes are in the audit trail of the app', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place), audit: true })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { users, audit, close } = await openVexaAdmin({ storage: storageAt(place), audit: true })
  t.teardown(close)
  await users.update('user-1', { name: 'x' }, { actor: 'script' })
  const entries = await app.vexaAdmin.audit.list({ order: 'asc', user_id: 'user-1' })
  t.match(entries, [{ action: 'user.created' }, { action: 'user.updated', actor: 'script', changed: ['name'] }])
  t.same(await audit.list({ order: 'asc' }), entries)
  for (const query of [{ limit: 0 }, { order: 'up' }, { count: true }, { since: 'now' }, { actor: 1 }, 'x', null]) {
    await t.rejects(audit.list(query as never), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 })
  }
  for (const id of [1, null, {}, ['user-1']]) {
    await t.rejects(audit.list({ user_id: id as never }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
})

t.test('ping: resolves, and throws 503 when the storage fails or does not answer', async (t) => {
  // The timer of the plugin is unreferenced.
  const keepsProcessAlive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(keepsProcessAlive))
  const stored = emptyStorage(t)
  const found = stored.findTokenByHash.bind(stored)
  let find: StorageAdapter['findTokenByHash'] | undefined
  const storage = faultyStorage(stored, { findTokenByHash: (hash) => (find ?? found)(hash) })
  const app = await build(t, { storage, storageTimeout: 100, tokenCache: { ttl: 60_000 } })
  for (let n = 0; n < 3; n++) t.equal(await app.vexaAdmin.ping(), undefined)
  const failing = [throwing(), hanging(), () => { throw new Error('down') }]
  for (find of failing) {
    await t.rejects(app.vexaAdmin.ping(), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', statusCode: 503 })
  }
  find = undefined
  t.equal(await app.vexaAdmin.ping(), undefined, 'the storage answers again')
})
