import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import * as api from '../../src/index.js'
import { races } from '../../src/storage/conformance/races.js'
import { lists } from '../../src/storage/conformance/lists.js'
import { tokenChanges } from '../../src/storage/conformance/token-changes.js'
import { tokenLists } from '../../src/storage/conformance/token-lists.js'
import { tokenRaces } from '../../src/storage/conformance/token-races.js'
import { users } from '../../src/storage/conformance/users.js'
import { testStorage } from '../../src/storage/conformance/index.js'
import { build, call } from '../support/helpers.js'
import { redisUninstalled, startRedis } from '../support/redis.js'

// The example imports the package by its name, which is not built here.
type Example = typeof import('../../examples/redis-storage.js')
const { RedisStorage } = await t.mockImport<Example>('../../examples/redis-storage.js', { 'fastify-vexa-admin': api })
type Storage = InstanceType<typeof RedisStorage>
const skip = redisUninstalled()

async function connect (t: Test, url: string) {
  const client = createClient({ url }).on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  return client
}

t.test('redis-storage: passes the conformance suite', { skip }, async (t) => {
  const { url } = await startRedis(t)
  const admin = await connect(t, url)
  const refuseWrites = (refused: boolean) => admin.configSet('min-replicas-to-write', refused ? '1' : '0')
  const create = async () => {
    await refuseWrites(false)
    return new RedisStorage({ url, prefix: `${randomUUID()}:` })
  }
  testStorage((name, run) => t.test(name, run), create, {
    share: ({ prefix }) => new RedisStorage({ url, prefix }),
    fail: async () => { await refuseWrites(true) }
  })
})

t.test('redis-storage: fails the races when a check is not part of its write', { skip }, async (t) => {
  const { url } = await startRedis(t)
  const { createUser, updateUser, createToken } = RedisStorage.prototype
  // Each check leaves its script, and is a call of its own before the write. Those of updateToken, rotateToken and
  // pruneTokens are such calls already.
  const unsafe: Array<[check: RegExp, checkFirst: (storage: Storage) => Partial<api.StorageAdapter>]> = [
    [/if call\('hexists', emails, ARGV\[1\]\) == 1 .*/, (storage) => ({
      createUser: async (user) => await storage.findUserByEmail(user.email) ? 'taken' : createUser.call(storage, user)
    })],
    [/if expected ~= '' and .*/, (storage) => ({
      updateUser: async (id, changes, revision) => {
        if (revision !== undefined && (await storage.findUser(id))?.revision !== revision) return 'absent'
        return updateUser.call(storage, id, changes, revision)
      }
    })],
    [/if call\('exists', user\(ARGV\[1\]\)\) == 0 .*/, (storage) => ({
      createToken: async (token) => await storage.findUser(token.user_id) ? createToken.call(storage, token) : 'absent'
    })],
    [/if call\('hget', token\(id\), 'version'\) .*/, () => ({})],
    [/ and expires < ARGV\[1\]/, () => ({})]
  ]
  const chosen = { ...users, ...lists, ...tokenChanges, ...tokenLists, ...races, ...tokenRaces }
  for (const [check, checkFirst] of unsafe) {
    const create = () => {
      const storage = new RedisStorage({ url, prefix: `${randomUUID()}:` })
      const { client } = storage
      const run = client.eval.bind(client)
      Object.assign(client, { eval: (script: string, options: object) => run(script.replace(check, ''), options) })
      return Object.assign(storage, checkFirst(storage))
    }
    const failed: string[] = []
    const runs: Array<Promise<unknown>> = []
    testStorage((name, run) => {
      if (name in chosen) runs.push(run().catch(() => failed.push(name)))
    }, create)
    await Promise.all(runs)
    t.not(failed.length, 0, String(check))
    t.same(failed.filter((name) => !(name in races || name in tokenRaces)), [], 'one call after the other is right')
  }
})

t.test('redis-storage: an app over it outlives a crash of the server', { skip }, async (t) => {
  const server = await startRedis(t)
  const app = await build(t, { storage: new RedisStorage({ url: server.url }) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const user = (await call(app, 'POST', '/admin/users', { payload: { email: 'user@example.com' } })).json()
  t.match(user, { id: 'user-1', email: 'user@example.com' })
  const create = async () => (await call(app, 'POST', `/admin/users/${user.id}/tokens`)).json()
  const [token, revoked] = [await create(), await create()]
  const me = (value: string) => app.inject({ url: '/me', headers: { 'x-api-key': value } })
  const verify = async (token: string) =>
    (await call(app, 'POST', '/admin/tokens/verify', { payload: { token } })).json()
  t.same((await me(token.token)).json(), user)
  t.match(await verify(revoked.token), { valid: true, token: { id: 'token-2' } })
  t.equal((await call(app, 'DELETE', `/admin/tokens/${revoked.id}`)).statusCode, 204)
  await server.crash()
  t.equal((await me(token.token)).statusCode, 503)
  t.equal((await call(app, 'DELETE', `/admin/tokens/${token.id}`)).statusCode, 503)
  await server.start()
  while ((await me(token.token)).statusCode === 503) await sleep(20)
  t.equal((await me(token.token)).statusCode, 200)
  t.equal((await me(revoked.token)).statusCode, 401, 'the server had its revocation on the disk when it answered')
  t.match(await verify(revoked.token), { valid: false, code: 'NOT_FOUND' })
})

t.test('redis-storage: open throws when the server can lose writes', { skip }, async (t) => {
  const server = await startRedis(t)
  const admin = await connect(t, server.url)
  const open = async () => {
    const storage = new RedisStorage({ url: server.url })
    t.teardown(() => storage.close())
    await storage.open()
  }
  const unsafeSettings = {
    appendonly: 'no', appendfsync: 'everysec', 'no-appendfsync-on-rewrite': 'yes', 'maxmemory-policy': 'allkeys-lru'
  }
  for (const [name, unsafe] of Object.entries(unsafeSettings)) {
    const before = (await admin.configGet(name))[name] as string
    await admin.configSet(name, unsafe)
    const message = `RedisStorage needs "${name} ${before}", but this server has "${name} ${unsafe}"`
    await t.rejects(open(), { message })
    await admin.configSet(name, before)
  }
  await t.resolves(open())
  await admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
  await t.rejects(open(), { message: 'RedisStorage needs a primary server, but this server is a replica' })
  await server.crash()
  await t.rejects(open(), /ECONNREFUSED/)
})

t.test('redis-storage: the start rejects an audit trail, because this storage has none', async (t) => {
  const storage = new RedisStorage({ url: 'redis://127.0.0.1:1', prefix: '' })
  await t.rejects(build(t, { storage, audit: true }), { code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: /`audit`/ })
})
