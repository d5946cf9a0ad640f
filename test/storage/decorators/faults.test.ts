import t from 'tap'
import { MemoryStorage } from '../../../examples/custom-storage.js'
import { StorageUnavailableError } from '../../../src/index.js'
import { createTokenValue } from '../../../src/services/token-value.js'
import { faultyStorage, interceptStorage } from '../../support/faulty-storage.js'
import { adminKey, build, call } from '../../support/helpers.js'

const secrets = /select |vexa_|someone@example|driver\.js|node_modules|SECRET/

function fault () {
  return Object.assign(new Error('duplicate key: insert into vexa_users SECRET'), {
    code: '23505', sql: "select * from vexa_users where email = 'someone@example.com'", detail: 'Key (email)=(someone@example.com)'
  })
}

const failing = interceptStorage(new MemoryStorage(), async ({ name, proceed }) => {
  if (name !== 'open' && name !== 'close') throw fault()
  await proceed()
})

t.test('a storage that throws is a 503 with Retry-After on every route, and nothing of it is told or logged', async (t) => {
  let log = ''
  const app = await build(t, { storage: failing }, { logger: { level: 'trace', stream: { write: (line: string) => { log += line } } } })
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
        statusCode: 503, code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', error: 'Service Unavailable', message: 'Storage cannot answer now'
      })
    }
  }
  await call(app, 'POST', '/admin/users', { payload: '{', headers: { 'content-type': 'application/json' } })
  await call(app, 'POST', '/admin/users', { payload: { email: 'x' } })
  await app.inject('/admin/users')

  t.match(log, /"storageCode":"23505"/, "the operator sees the driver's code")
  t.notMatch(log, secrets)
  t.notMatch(log, /\\n +at /, 'no stack')
  t.notMatch(log, adminKey)
})

t.test('an error handler finds what the driver threw, and a logger does not', async (t) => {
  const error = new StorageUnavailableError(fault())
  t.match(error.fault, { message: /SECRET/ })
  t.notMatch(JSON.stringify({ ...error }), secrets)
  t.notOk('cause' in error)
  for (const odd of [{ code: 'a secret, then ABC' }, undefined, null, 'text', {}, { code: 'has space' }, { code: 7 }, { code: '' }]) {
    t.equal(new StorageUnavailableError(odd).storageCode, undefined)
  }
})

t.test('a storage that throws at once, without a promise, is no different', async (t) => {
  const app = await build(t, { storage: faultyStorage(failing, { listUsers: () => { throw fault() } }) })
  t.equal((await call(app, 'GET', '/admin/users')).statusCode, 503)
})
