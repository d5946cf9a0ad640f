// Counts the calls and statements of each request, so that a rise fails a test. `npm run bench` measures the time.
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { KyselyStorage, sqliteStorage } from '../src/index.js'
import { SqliteDialect } from '../src/storage/sql/drivers/sqlite-dialect.js'
import { run } from './support/child.js'
import { emptyPlace } from './support/databases.js'
import { interceptStorage, type StorageCall } from './support/faulty-storage.js'
import { build, call } from './support/helpers.js'

/** `begin` and `commit` count as statements. */
interface Cost { calls: Array<StorageCall['name']>, statements: number }

/** `audited` is the number of statements with the option `audit`, if it differs. */
const costs: Array<[request: string, cost: Cost & { audited?: number }, payload?: object]> = [
  ['GET /admin/users', { calls: ['listUsers'], statements: 1 }],
  ['GET /admin/users?search=x&after=user-1', { calls: ['listUsers'], statements: 1 }],
  ['GET /admin/users?disabled=true', { calls: ['listUsers'], statements: 1 }],
  ['GET /admin/users?count=true', { calls: ['listUsers', 'countUsers'], statements: 2 }],
  ['POST /admin/users', { calls: ['createUser'], statements: 1, audited: 4 }, { email: 'new@example.com' }],
  ['GET /admin/users/user-1', { calls: ['findUser', 'listTokens'], statements: 2 }],
  ['GET /admin/users/email/a@b', { calls: ['findUserByEmail', 'listTokens'], statements: 2 }],
  ['PATCH /admin/users/user-1', { calls: ['updateUser'], statements: 1, audited: 4 }, { name: 'x' }],
  ['PATCH /admin/users/user-1', { calls: ['findUser', 'updateUser'], statements: 2, audited: 5 }, { data: { a: 1 } }],
  ['PUT /admin/users/user-1/data', { calls: ['updateUser'], statements: 1, audited: 4 }, { a: 1 }],
  ['POST /admin/users/user-1/tokens', { calls: ['createToken'], statements: 1, audited: 4 }],
  ['GET /admin/users/user-1/tokens', { calls: ['findUser', 'listTokens'], statements: 2 }],
  ['GET /admin/users/user-1/tokens?after=token-1&order=desc', { calls: ['findUser', 'listTokens'], statements: 2 }],
  ['GET /admin/tokens', { calls: ['listTokens'], statements: 1 }],
  ['GET /admin/tokens?search=x&state=active&after=token-1', { calls: ['listTokens'], statements: 1 }],
  ['GET /admin/tokens?count=true', { calls: ['listTokens', 'countTokens'], statements: 2 }],
  ['GET /admin/tokens/token-1', { calls: ['findToken'], statements: 1 }],
  ['PATCH /admin/tokens/token-3', { calls: ['updateToken'], statements: 5, audited: 6 }, { name: 'x', data: { a: 1 } }],
  [
    'DELETE /admin/tokens?state=expired&expired_before=2024-01-01T12:00:00Z',
    { calls: ['pruneTokens'], statements: 2 }
  ],
  ['POST /admin/tokens/token-3/rotate', { calls: ['rotateToken'], statements: 6, audited: 7 }],
  ['POST /admin/tokens/verify', { calls: ['findTokenByHash'], statements: 1 }, { token: 'TOKEN' }],
  ['POST /admin/tokens/verify', { calls: [], statements: 0 }, { token: 'vex_no' }],
  ['POST /admin/introspect', { calls: ['findTokenByHash'], statements: 1 }, { token: 'TOKEN' }],
  ['POST /admin/introspect', { calls: [], statements: 0 }, { token: 'vex_no' }],
  ['POST /admin/revoke', { calls: [], statements: 0 }, { token: 'vex_no' }],
  ['DELETE /admin/tokens/token-2', { calls: ['revokeToken'], statements: 1, audited: 6 }],
  ['GET /admin/settings', { calls: [], statements: 0 }],
  ['GET /me', { calls: ['findTokenByHash'], statements: 1 }],
  ['POST /admin/revoke', { calls: ['findTokenByHash', 'revokeToken'], statements: 2, audited: 7 }, { token: 'TOKEN' }],
  ['POST /admin/revoke', { calls: ['findTokenByHash'], statements: 1 }, { token: 'TOKEN' }],
  ['DELETE /admin/users/user-1/tokens', { calls: ['findUser', 'revokeTokens'], statements: 3, audited: 6 }],
  ['DELETE /admin/users/user-1', { calls: ['deleteUser'], statements: 4, audited: 5 }]
]

/** Counts the calls and statements of each request of `costs`. */
async function measure (t: Test, audit: boolean): Promise<Cost[]> {
  const cost: Cost = { calls: [], statements: 0 }
  const measured: Cost[] = []
  const open = async () => new Database(':memory:', { verbose: () => { cost.statements++ } })
  const stored = new KyselyStorage({ dialect: new SqliteDialect({ open, pragmas: [], busyTimeout: 0 }) })
  const storage = interceptStorage(stored, ({ name, proceed }) => { cost.calls.push(name); return proceed() })
  const app = await build(t, { storage, audit, tokenCache: false })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const { users, tokens } = app.vexaAdmin
  const { id } = await users.create({ email: 'a@b' })
  const [{ token }] = [await tokens.create(id), await tokens.create(id), await tokens.create(id)]

  for (const [request, , payload] of costs) {
    cost.calls = []
    cost.statements = 0
    const [method, url] = request.split(' ') as ['GET' | 'POST', string]
    const reply = await call(app, method, url, {
      headers: { 'x-api-key': token },
      ...(payload && { payload: JSON.parse(JSON.stringify(payload).replace('TOKEN', token)) })
    })
    t.ok(reply.statusCode < 300, `${request}: ${reply.statusCode}`)
    measured.push({ ...cost })
  }
  return measured
}

t.test('costs: each request makes the expected calls of the storage and statements', async (t) => {
  const measured = await measure(t, false)
  for (const [i, [request, { calls, statements }]] of costs.entries()) {
    t.same(measured[i], { calls, statements }, request)
  }
})

t.test('costs: the audit trail adds statements to changes only, and no call', async (t) => {
  const measured = await measure(t, true)
  for (const [i, [request, { calls, statements, audited = statements }]] of costs.entries()) {
    t.same(measured[i], { calls, statements: audited }, request)
  }
})

t.test('costs: a check of a token in the exact cache makes one statement and no call', async (t) => {
  const cost: Cost = { calls: [], statements: 0 }
  const open = async () => new Database(':memory:', { verbose: () => { cost.statements++ } })
  const stored = new KyselyStorage({ dialect: new SqliteDialect({ open, pragmas: [], busyTimeout: 0 }) })
  const storage = interceptStorage(stored, ({ name, proceed }) => { cost.calls.push(name); return proceed() })
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache: 'exact' })
  const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  for (const expected of [{ calls: ['findTokenByHash'], statements: 2 }, { calls: [], statements: 1 }]) {
    Object.assign(cost, { calls: [], statements: 0 })
    await tokens.verify({ token })
    t.same(cost, expected)
  }
})

t.test('costs: rejected requests make no call of the storage', async (t) => {
  const calls: string[] = []
  const storage = interceptStorage(sqliteStorage({ filename: ':memory:' }), ({ name, proceed }) => {
    calls.push(name)
    return proceed()
  })
  const app = await build(t, { storage })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  t.same(calls, ['open'])
  for (const key of ['', 'x', 'an-admin-key-for-the-testz', 'x'.repeat(10_000), `vex_${'0'.repeat(36)}`]) {
    for (const [request, , payload] of costs) {
      const [method, url] = request.split(' ') as ['GET' | 'POST', string]
      const reply = await call(app, method, url, {
        headers: { 'x-admin-api-key': key, 'x-api-key': key }, ...(payload && { payload })
      })
      t.equal(reply.statusCode, 401, request)
    }
  }
  t.same(calls, ['open'])
})

t.test('costs: a token check makes one promise, and takes little more heap than by hand', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  const filename = place.slice('sqlite:'.length)
  const app = await build(t, { storage: sqliteStorage({ filename }) })
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(id)
  await app.close()
  const child = run(t, 'test/support/fixtures/allocations.ts', {
    args: [filename, token], flags: ['--expose-gc', '--no-opt', '--no-sparkplug', '--max-semi-space-size=64']
  })
  const { mine, floor } = JSON.parse(await child.line(/^{/))
  t.comment(`${mine.bytes} bytes, by hand ${floor.bytes}`)
  t.same([mine.promises, floor.promises], [1, 1])
  // 1.25 to 1.45 when this was written. The heap of the check by hand varies by a tenth between runs.
  t.ok(mine.bytes / floor.bytes < 1.55, `${mine.bytes} bytes, by hand ${floor.bytes}`)
})
