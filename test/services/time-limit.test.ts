import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { timeLimit } from '../../src/services/time-limit.js'
import type { StorageAdapter } from '../../src/index.js'
import { emptyStorage } from '../databases.js'
import { adminKey, build, call } from '../helpers.js'

// Our timer does not, on purpose.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

t.test('what is in time passes, as it is', async (t) => {
  const limit = timeLimit(1000)
  t.equal(await limit(Promise.resolve(1)), 1)
  t.equal(await limit(2), 2)
  await t.rejects(limit(Promise.reject(new Error('no'))), { message: 'no' })
})

t.test('what is late is refused, each at its own time, and what it does later does not count', async (t) => {
  const limit = timeLimit(60)
  const late = { code: 'TIMEOUT', message: 'No answer within 60 ms' }
  const begun = performance.now()
  const refused: number[] = []
  const wait = async (work: Promise<unknown>) => {
    await t.rejects(limit(work), late)
    refused.push(performance.now() - begun)
  }
  const first = wait(new Promise(() => {}))
  await sleep(30)
  await Promise.all([first, wait(sleep(200)), wait(sleep(200).then(() => { throw new Error('too late') })), limit(sleep(20))])
  t.ok(refused.every((at, i) => at >= (i === 0 ? 60 : 90)), 'none is refused early')
  await sleep(200)
})

t.test('a storage that hangs is a 503 after storageTimeout, and no 401', async (t) => {
  const storage = new Proxy<StorageAdapter>(emptyStorage(t), {
    get: (target, name: keyof StorageAdapter) => ['listUsers', 'findTokenByHash', 'insertToken'].includes(name) ? () => new Promise(() => {}) : target[name].bind(target)
  })
  const app = await build(t, { storage, storageTimeout: 50 })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const reply of [await call(app, 'GET', '/admin/users'), await call(app, 'POST', '/admin/users/user-1/tokens')]) {
    t.equal(reply.statusCode, 503)
    t.equal(reply.headers['retry-after'], '1')
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE')
  }
  t.equal((await call(app, 'GET', '/admin/users/user-1')).statusCode, 200)
})

t.test('a storage that hangs when it is closed does not keep the app', async (t) => {
  const stored = emptyStorage(t)
  t.teardown(() => stored.close())
  const storage = new Proxy<StorageAdapter>(stored, { get: (target, name: keyof StorageAdapter) => name === 'close' ? () => new Promise(() => {}) : target[name].bind(target) })
  const app = await build(t, { storage, storageTimeout: 50 })
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 200)
  await t.rejects(app.close(), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
})
