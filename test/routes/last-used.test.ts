import { AsyncLocalStorage } from 'node:async_hooks'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { VerifyToken } from '../../src/index.js'
import { emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { build, call } from '../support/helpers.js'

t.test('last_used_at: close() writes the minute of the last use of each remaining token', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiToken)
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const [used, unused, revoked, invalid] = [
    await tokens.create('user-1'), await tokens.create('user-1'), await tokens.create('user-1'),
    await tokens.create('user-1')
  ]
  const use = async ({ token }: { token: string }) =>
    (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).json()
  const before = Date.now()
  t.notOk('last_used_at' in await use(used))
  for (let i = 0; i < 10; i++) await use(used)
  await use(revoked)
  await tokens.revoke(revoked.id)
  await tokens.verify({ token: invalid.token.slice(0, -1) + '!' })
  await app.close()

  const later = await build(t, { storage: storageAt(place) })
  const [first, ...others] = await later.vexaAdmin.tokens.list('user-1')
  t.equal(first?.id, used.id)
  const at = Date.parse(first?.last_used_at as string)
  t.equal(at % 60_000, 0)
  t.ok(at > before - 60_000 && at <= Date.now())
  t.same(
    others.map(({ id, last_used_at: lastUsedAt }) => [id, lastUsedAt]),
    [[unused.id, undefined], [invalid.id, undefined]]
  )
})

t.test('last_used_at: is written outside the async context of a request', async (t) => {
  const { setInterval } = globalThis
  const quick = mock.method(globalThis, 'setInterval', (run: () => void) => setInterval(run, 5))
  t.teardown(() => quick.mock.restore())
  const requests = new AsyncLocalStorage<string>()
  const seen: Array<string | undefined> = []
  const stored = emptyStorage(t)
  const storage = faultyStorage(stored, {
    touchTokens: (ids, lastUsedAt) => { seen.push(requests.getStore()); return stored.touchTokens(ids, lastUsedAt) }
  })
  const app = await build(t, { storage })
  app.addHook('onRequest', (request, _reply, done) => requests.run(request.id, done))
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async () => requests.getStore())
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  for (let n = 1; n <= 2; n++) {
    const { token } = await app.vexaAdmin.tokens.create(id)
    t.match(
      (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).body, /^req-/,
      'the route itself runs in the context'
    )
    while (seen.length < n) await sleep(1)
  }
  t.same(seen, [undefined, undefined])
})

t.test('last_used_at: a verification with `touch: false` leaves it as it is', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const verify = async (payload: object) => (await call(app, 'POST', '/admin/tokens/verify', { payload })).json()
  const created = await Promise.all(Array.from({ length: 5 }, () => tokens.create('user-1')))
  const [first, second, third, fourth, fifth] = created.map(({ token }) => ({ token }))
  t.match([
    await verify({ ...first, touch: false }), await verify({ ...second, touch: true }), await verify({ ...third }),
    await tokens.verify({ token: '', ...fourth, touch: false }), await tokens.verify({ token: '', ...fifth })
  ], Array(5).fill({ valid: true }))
  for (const touch of [null, 0, 'false', []]) {
    t.match(await verify({ ...first, touch }), { statusCode: 400, message: /^body\/touch/ })
    await t.rejects(tokens.verify({ ...first, touch } as unknown as VerifyToken),
      { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  await app.close()

  const later = await build(t, { storage: storageAt(place) })
  const listed = new Map((await later.vexaAdmin.tokens.list('user-1')).map((token) => [token.id, token]))
  t.same(created.map(({ id }) => listed.get(id)?.last_used_at !== undefined), [false, true, true, false, true])
})
