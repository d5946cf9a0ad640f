import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { InTransactionError } from '../../../src/errors.js'
import { StorageUnavailableError, type StorageAdapter, type TokenRecord } from '../../../src/index.js'
import { createTokenValue } from '../../../src/services/token-value.js'
import { guardAuditTrail, withFaultGuard } from '../../../src/storage/decorators/fault-guard.js'
import { withTokenCache } from '../../../src/storage/decorators/token-cache.js'
import { storageMethodNames, type OpenStorage } from '../../../src/storage/storage-adapter.js'
import { emptyStorage } from '../../support/databases.js'
import { adminKey, build, call } from '../../support/helpers.js'

// The timers under test do not keep the process alive.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

const unavailable = 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE'
const openMethodNames = storageMethodNames.filter((name): name is keyof OpenStorage => name !== 'open')

/** Returns a storage each of whose methods is `method`. */
function storageOf (method: (name: string, parameters: unknown[]) => unknown): StorageAdapter {
  return Object.fromEntries(storageMethodNames.map((name) =>
    [name, (...parameters: unknown[]) => method(name, parameters)])) as unknown as StorageAdapter
}

/** Calls the method `name` with parameters that any method accepts. */
async function callMethod (storage: OpenStorage, name: keyof OpenStorage): Promise<unknown> {
  return (storage[name] as (...parameters: unknown[]) => unknown)('parameter', () => {})
}

const secrets = /select |vexa_|someone@example|driver\.js|node_modules|SECRET/

function fault () {
  return Object.assign(new Error('duplicate key: insert into vexa_users SECRET'), {
    code: '23505',
    sql: "select * from vexa_users where email = 'someone@example.com'",
    detail: 'Key (email)=(someone@example.com)'
  })
}

const failing = storageOf(async (name) => { if (name !== 'open' && name !== 'close') throw fault() })

t.test('faults: every route returns 503 and discloses no secret when the storage throws', async (t) => {
  let log = ''
  const stream = { write: (line: string) => { log += line } }
  const app = await build(t, { storage: failing }, { logger: { level: 'trace', stream } })
  const calls = [
    await call(app, 'GET', '/admin/users'),
    await call(app, 'GET', '/admin/users/user-1'),
    await call(app, 'HEAD', '/admin/users/user-1'),
    await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } }),
    await call(app, 'POST', '/admin/users/user-1/tokens'),
    await call(app, 'DELETE', '/admin/tokens/token-1'),
    await call(app, 'GET', '/admin/users?count=true&search=x'),
    await call(app, 'GET', '/admin/users/email/a@b'),
    await call(app, 'PATCH', '/admin/users/user-1', { payload: { name: 'x' } }),
    await call(app, 'PATCH', '/admin/users/user-1', { payload: { data: {} } }),
    await call(app, 'DELETE', '/admin/users/user-1'),
    await call(app, 'GET', '/admin/users/user-1/tokens'),
    await call(app, 'DELETE', '/admin/users/user-1/tokens'),
    await call(app, 'POST', '/admin/tokens/token-1/rotate'),
    await call(app, 'POST', '/admin/tokens/verify', { payload: { token: createTokenValue('vex_') } })
  ]
  for (const reply of calls) {
    t.equal(reply.statusCode, 503)
    t.equal(reply.headers['retry-after'], '1')
    t.equal(reply.headers['cache-control'], 'no-store')
    if (reply.body !== '') {
      t.same(reply.json(), {
        statusCode: 503,
        code: unavailable,
        error: 'Service Unavailable',
        message: 'Storage cannot answer now'
      })
    }
  }
  await call(app, 'POST', '/admin/users', { payload: '{', headers: { 'content-type': 'application/json' } })
  await call(app, 'POST', '/admin/users', { payload: { email: 'x' } })
  await app.inject('/admin/users')

  t.match(log, /"storageCode":"23505"/, "the log has the driver's code")
  t.notMatch(log, secrets)
  t.notMatch(log, /\\n +at /, 'no stack')
  t.notMatch(log, adminKey)
})

t.test('StorageUnavailableError: hides the fault from loggers, not from error handlers', async (t) => {
  const error = new StorageUnavailableError(fault())
  t.match(error.fault, { message: /SECRET/ })
  t.notMatch(JSON.stringify({ ...error }), secrets)
  t.notOk('cause' in error)
  const withoutCode = [
    undefined, null, 'text', {}, { code: 'a secret, then ABC' }, { code: 'has space' }, { code: 7 }, { code: '' }
  ]
  for (const odd of withoutCode) {
    t.equal(new StorageUnavailableError(odd).storageCode, undefined)
  }
})

t.test('faults: a route returns 503 when the storage throws synchronously', async (t) => {
  const app = await build(t, { storage: { ...failing, listUsers: () => { throw fault() } } })
  t.equal((await call(app, 'GET', '/admin/users')).statusCode, 503)
})

t.test('withFaultGuard: returns the answer of each method', async (t) => {
  const calls: string[] = []
  const answerOf = (name: string) =>
    name.startsWith('list') ? [] : name.startsWith('count') ? 1 : name === 'pruneTokens' ? { deleted: 2 } : 'taken'
  const storage = withFaultGuard(storageOf(async (name, parameters) => {
    calls.push(name)
    t.equal(parameters[0], name === 'close' ? undefined : 'parameter')
    return name.startsWith('find') ? null : answerOf(name)
  }), 1000)
  for (const name of openMethodNames) {
    t.strictSame(await callMethod(storage, name), name.startsWith('find') ? undefined : answerOf(name), name)
  }
  t.same(calls, openMethodNames)
})

t.test('withFaultGuard: throws StorageUnavailableError when a method throws or rejects', async (t) => {
  for (const method of [() => { throw fault() }, async () => { throw fault() }]) {
    const storage = withFaultGuard(storageOf(method), 1000)
    for (const name of openMethodNames) {
      await t.rejects(callMethod(storage, name), { code: unavailable, storageCode: '23505' }, name)
    }
  }
})

t.test('withFaultGuard: passes each parameter on, also the entry of a change', async (t) => {
  const given = ['a', () => {}, 'c', { entry: true }]
  const lengths: Partial<Record<keyof OpenStorage, number>> = {
    createUser: 2,
    updateUser: 4,
    deleteUser: 3,
    createToken: 2,
    updateToken: 3,
    rotateToken: 3,
    revokeToken: 2,
    revokeTokens: 2
  }
  let passed: unknown[] = []
  const stored = storageOf(async (_name, parameters) => { passed = parameters; return 'taken' })
  for (const storage of [withFaultGuard(stored, 1000), withTokenCache(withFaultGuard(stored, 1000), 1000)]) {
    for (const [name, length] of Object.entries(lengths)) {
      const parameters = [...given.slice(0, length - 1), given[3]]
      await (storage[name as keyof OpenStorage] as (...parameters: unknown[]) => unknown)(...parameters)
      t.equal(passed.length, length, name)
      t.equal(passed.at(-1), given[3], name)
    }
  }
})

t.test('guardAuditTrail: throws StorageUnavailableError when a method fails or is late', async (t) => {
  const page = { order: 'asc', limit: 1 } as const
  for (const method of [() => { throw fault() }, async () => { throw fault() }, () => new Promise<never>(() => {})]) {
    const trail = guardAuditTrail({ listAudit: method, pruneAudit: method }, 20)
    await t.rejects(trail.listAudit(page), { code: unavailable, storageCode: /23505|TIMEOUT/ })
    const at = '2024-01-01T12:00:00.000Z'
    const pruned = trail.pruneAudit({ before: at, now: at, limit: 1 })
    await t.rejects(pruned, { code: unavailable, storageCode: /23505|TIMEOUT/ })
  }
})

t.test('withFaultGuard: throws InTransactionError as it is', async (t) => {
  const error = new InTransactionError()
  for (const method of [() => { throw error }, async () => { throw error }]) {
    const storage = withFaultGuard(storageOf(method), 1000)
    await t.rejects(callMethod(storage, 'findUser'), error)
  }
})

const token: TokenRecord = {
  id: '1',
  user_id: '1',
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  disabled: false,
  data: null,
  start: null,
  last_used_at: null,
  created_at: '2024-01-01T12:00:00.000Z'
}
const deciding = ['updateToken', 'rotateToken'] as const

t.test('withFaultGuard: throws an error of change or replace as it is', async (t) => {
  const mistake = new TypeError('on purpose')
  const throwMistake = () => { throw mistake }
  const storage = withFaultGuard(storageOf(async (_name, [, decide]) => (decide as Function)(token)), 1000)
  // The storage starts over, and another fault follows.
  const retrying = withFaultGuard(storageOf(async (_name, [, decide]) => {
    try {
      (decide as Function)(token)
    } catch {}
    throw fault()
  }), 1000)
  for (const name of deciding) {
    await t.rejects(storage[name]('1', throwMistake), mistake, name)
    await t.rejects(retrying[name]('1', throwMistake), { code: unavailable, storageCode: '23505' }, name)
  }
})

t.test('withFaultGuard: calls change and replace with checked records only', async (t) => {
  const wrong = { ...token, disabled: 'f' }
  const callsWith = (...records: unknown[]) =>
    withFaultGuard(storageOf(async (_name, [, decide]) => (decide as Function)(...records)), 1000)
  const invalid = { code: unavailable, storageCode: 'INVALID_RECORD' }
  const notCalled = () => t.fail('the record is not valid') as never
  for (const name of deciding) await t.rejects(callsWith(wrong)[name]('1', notCalled), invalid, name)
  await t.rejects(callsWith(token, wrong).rotateToken('1', notCalled), invalid)

  const seen: unknown[] = []
  const see = (...records: unknown[]) => {
    seen.push(records)
    return 'rejected' as const
  }
  t.equal(await callsWith(token).updateToken('1', see), 'rejected')
  t.equal(await callsWith(token, { ...token, id: '2' }).rotateToken('1', see), 'rejected')
  t.equal(await callsWith(token, null).rotateToken('1', see), 'rejected')
  t.strictSame(seen, [[token, undefined], [token, { ...token, id: '2' }], [token, undefined]])
})

t.test('withFaultGuard: returns a synchronous answer without a promise', async (t) => {
  const hash = Buffer.alloc(32)
  t.equal(withFaultGuard(storageOf(() => null), 1000).findTokenByHash(hash), undefined)
  t.throws(() => withFaultGuard(storageOf(() => { throw fault() }), 1000).findTokenByHash(hash),
    { code: unavailable, storageCode: '23505' })
})

t.test('withFaultGuard: rejects each call after the timeout and ignores its late answer', async (t) => {
  const begun = performance.now()
  const answers: Array<(error: Error) => void> = []
  const storage = withFaultGuard(storageOf(() => new Promise((_resolve, reject) => { answers.push(reject) })), 60)
  const late = { code: unavailable, storageCode: 'TIMEOUT', fault: { message: 'No answer within 60 ms' } }
  const first = t.rejects(storage.countUsers(), late)
  await sleep(30)
  const second = t.rejects(storage.countUsers(), late).then(() => performance.now())
  await first
  const firstEnd = performance.now()
  t.ok(firstEnd - begun >= 59 && firstEnd < await second, 'no call fails early')
  for (const reject of answers) reject(new Error('late'))
  // Lets the process report a rejection that nobody handles.
  await sleep(1)
})

t.test('withFaultGuard: returns an answer that comes before the timeout', async (t) => {
  const storage = withFaultGuard(storageOf(() => sleep(20, 7)), 10_000)
  t.equal(await storage.countUsers(), 7)
})

t.test('withFaultGuard: continues a call that times out in the async context of the call', async (t) => {
  const requests = new AsyncLocalStorage<string>()
  const storage = withFaultGuard(storageOf(() => new Promise(() => {})), 10)
  const contexts = await Promise.all(['request 1', 'request 2'].map((request) => requests.run(request, async () => {
    await storage.countUsers().catch(() => {})
    return requests.getStore()
  })))
  t.same(contexts, ['request 1', 'request 2'])
})

t.test('withFaultGuard: keeps nothing of a call after its answer', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const requests = new AsyncLocalStorage<object>()
  const storage = withFaultGuard(storageOf(async () => 7), 600_000)
  const request = await (async () => {
    const context = { of: 'the request' }
    await requests.run(context, () => storage.countUsers())
    return new WeakRef(context)
  })()
  for (let n = 0; n < 20 && request.deref() !== undefined; n++) {
    await sleep(5)
    collectGarbage()
  }
  t.equal(request.deref(), undefined)
})

t.test('storageTimeout: returns 503 when the storage hangs', async (t) => {
  const hanging = ['listUsers', 'findTokenByHash', 'createToken']
  const storage = new Proxy<StorageAdapter>(emptyStorage(t), {
    get: (target, name: keyof StorageAdapter) =>
      hanging.includes(name) ? () => new Promise(() => {}) : target[name].bind(target)
  })
  const app = await build(t, { storage, storageTimeout: 800 })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const reply of [await call(app, 'GET', '/admin/users'), await call(app, 'POST', '/admin/users/user-1/tokens')]) {
    t.equal(reply.statusCode, 503)
    t.equal(reply.headers['retry-after'], '1')
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE')
  }
  t.equal((await call(app, 'GET', '/admin/users/user-1')).statusCode, 200)
})

t.test('storageTimeout: app.close resolves when close of the storage hangs', async (t) => {
  const stored = emptyStorage(t)
  t.teardown(() => stored.close())
  const storage = new Proxy<StorageAdapter>(stored, {
    get: (target, name: keyof StorageAdapter) =>
      name === 'close' ? () => new Promise(() => {}) : target[name].bind(target)
  })
  let log = ''
  const stream = { write: (line: string) => { log += line } }
  const app = await build(t, { storage, storageTimeout: 800 }, { logger: { level: 'warn', stream } })
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 200)
  await app.close()
  t.match(log, /The storage cannot be closed/)
})
