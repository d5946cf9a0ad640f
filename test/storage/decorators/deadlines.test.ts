import { AsyncLocalStorage } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDeadlines } from '../../../src/storage/decorators/deadlines.js'
import { emptyStorage } from '../../support/databases.js'
import { faultyStorage, hanging } from '../../support/faulty-storage.js'
import { adminKey, build, call } from '../../support/helpers.js'

// Our timer does not, on purpose.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

t.test('who is late is told so, each at its own time, and who is in time is not', async (t) => {
  const deadlines = createDeadlines(60, (late) => Object.assign(new Error('late'), { cause: late }))
  const begun = performance.now()
  const missed: Array<[name: string, at: number]> = []
  const add = (name: string) => deadlines.add((error) => {
    t.match(error, { message: 'late', cause: { code: 'TIMEOUT', message: 'No answer within 60 ms' } })
    missed.push([name, performance.now() - begun])
  })
  add('first')
  const inTime = add('in time')
  await sleep(30)
  add('second')
  deadlines.delete(inTime)
  deadlines.delete(inTime)
  while (missed.length < 2) await sleep(5)
  t.same(missed.map(([name]) => name), ['first', 'second'])
  t.ok(missed.every(([, at], i) => at >= (i === 0 ? 60 : 90)), 'none is told early')
  await sleep(100)
  t.equal(missed.length, 2)
  add('third')
  while (missed.length < 3) await sleep(5)
})

t.test('who is late is told so soon', async (t) => {
  const deadlines = createDeadlines(100, (late) => late)
  // Both timers are of one clock and one loop, so that a slow machine does not change their order.
  const order: string[] = []
  const missed = new Promise<void>((resolve) => deadlines.add(() => { order.push('missed'); resolve() }))
  await Promise.all([missed, sleep(200).then(() => order.push('twice as late'))])
  t.same(order, ['missed', 'twice as late'])
})

t.test('deadlines: the timer runs in the context they were made in, not in that of a call', async (t) => {
  const requests = new AsyncLocalStorage<string>()
  const deadlines = requests.run('registration', () => createDeadlines(20, (late) => late))
  const seen: unknown[] = []
  const add = (request: string) => requests.run(request, () => deadlines.add(() => seen.push(requests.getStore())))
  add('request 1')
  await sleep(10)
  add('request 2')
  while (seen.length < 2) await sleep(5)
  t.same(seen, ['registration', 'registration'])
  // Whoever waits for a call goes on in a context of their own.
  const waiting = requests.run('request 3', async () => {
    await new Promise((resolve) => deadlines.add(resolve))
    return requests.getStore()
  })
  t.equal(await waiting, 'request 3')
})

t.test('deadlines: the timer does not keep what belongs to a request that is answered', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const requests = new AsyncLocalStorage<object>()
  // Long enough to be running all the while.
  const deadlines = createDeadlines(600_000, (late) => late)
  const request = (() => {
    const store = { of: 'the request that made the timer' }
    requests.run(store, () => deadlines.delete(deadlines.add(() => {})))
    return new WeakRef(store)
  })()
  for (let n = 0; n < 20 && request.deref() !== undefined; n++) {
    await sleep(5)
    collectGarbage()
  }
  t.equal(request.deref(), undefined)
  deadlines.delete(deadlines.add(() => {}))
})

t.test('a storage that hangs is a 503 after storageTimeout, and no 401', async (t) => {
  const storage = faultyStorage(emptyStorage(t), { listUsers: hanging(), findTokenByHash: hanging(), createToken: hanging() })
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
  const storage = faultyStorage(stored, { close: hanging() })
  let log = ''
  const app = await build(t, { storage, storageTimeout: 50 }, { logger: { level: 'warn', stream: { write: (line: string) => { log += line } } } })
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 200)
  await app.close()
  t.match(log, /The storage cannot be closed/)
})
