import t from 'tap'
import { emptyPlace, storageAt } from '../databases.js'
import { build } from '../helpers.js'

t.test('last_used_at is there after the app has closed, to the minute, for tokens that are still there', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiToken)
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const [used, unused, revoked, refused] = [await tokens.create('user-1'), await tokens.create('user-1'), await tokens.create('user-1'), await tokens.create('user-1')]
  const use = async ({ token }: { token: string }) => (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).json()
  const before = Date.now()
  t.notOk('last_used_at' in await use(used))
  for (let i = 0; i < 10; i++) await use(used)
  await use(revoked)
  await tokens.revoke(revoked.id)
  await tokens.verify({ token: refused.token.slice(0, -1) + '!' })
  await app.close()

  const later = await build(t, { storage: storageAt(place) })
  const [first, ...others] = await later.vexaAdmin.tokens.list('user-1')
  t.equal(first?.id, used.id)
  const at = Date.parse(first?.last_used_at as string)
  t.equal(at % 60_000, 0)
  t.ok(at > before - 60_000 && at <= Date.now())
  t.same(others.map(({ id, last_used_at: lastUsedAt }) => [id, lastUsedAt]), [[unused.id, undefined], [refused.id, undefined]])
})
