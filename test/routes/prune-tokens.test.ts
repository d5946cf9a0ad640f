import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { auditEvents, type StorageAdapter } from '../../src/index.js'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { build, call } from '../support/helpers.js'

const url = (expiredBefore: string) =>
  `/admin/tokens?${new URLSearchParams({ state: 'expired', expired_before: expiredBefore })}`

/** Builds an app with a user, one hour after three tokens have expired, a minute apart. A fourth never expires. */
async function buildWithTokens (t: Test, methods: Partial<StorageAdapter> = {}) {
  mock.timers.enable({ apis: ['Date'], now: Date.parse('2024-01-01T12:00:00.000Z') })
  t.teardown(() => mock.timers.reset())
  const app = await build(t, { storage: faultyStorage(emptyStorage(t), methods) })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (const minutes of [1, 2, 3]) await tokens.create('user-1', { expires_in: minutes * 60 })
  await tokens.create('user-1')
  mock.timers.tick(3_600_000)
  const ids = async () => (await tokens.list('user-1')).map(({ id }) => id.replace('token-', '')).join('')
  return { app, tokens, ids }
}

t.test('DELETE /tokens: deletes the tokens that expired before a time, and counts them', async (t) => {
  const { app, ids } = await buildWithTokens(t)
  const heard = hear(t, ...auditEvents)
  for (const [time, deleted, left] of [
    ['2024-01-01T12:01:00Z', 0, '1234'], ['2024-01-01T14:02:00+02:00', 1, '234'], ['2024-01-01T13:00:00Z', 2, '4'],
    ['2024-01-01T13:00:00.000Z', 0, '4']
  ] as const) {
    const reply = await call(app, 'DELETE', url(time))
    t.equal(reply.statusCode, 200)
    t.same(reply.json(), { deleted }, time)
    t.equal(await ids(), left)
  }
  t.same(heard, [])
})

t.test('DELETE /tokens: needs both members, of a time that is not in the future', async (t) => {
  const { app, ids, tokens } = await buildWithTokens(t)
  for (const [query, message] of [
    ['', /Expected required property/], ['state=expired', /expired_before Expected required property/],
    ['expired_before=2024-01-01T12:30:00Z', /state Expected required property/],
    ['state=active&expired_before=2024-01-01T12:30:00Z', /state Expected expired$/],
    ['state=disabled&expired_before=2024-01-01T12:30:00Z', /state/], ['state=expired&expired_before=', /RFC 3339/],
    ['state=expired&expired_before=2024-01-01', /RFC 3339/],
    ['state=expired&expired_before=2024-01-01T12:30:00Z&expired_before=2024-01-01T12:30:00Z', /expired_before/],
    ['state=expired&expired_before=2024-01-01T12:30:00Z&user_id=user-1', /user_id Unexpected property/],
    ['state=expired&expired_before=2024-01-01T13:00:00.001Z', /^expired_before must not be in the future$/],
    ['state=expired&expired_before=9999-01-01T00:00:00Z', /^expired_before must not be in the future$/]
  ] as const) {
    const reply = await call(app, 'DELETE', `/admin/tokens?${query}`)
    t.equal(reply.statusCode, 400, query)
    t.match(reply.json().message, message, query)
  }
  for (const time of ['2024-01-01T13:00:00.001Z', '2024-01-01', '', undefined, null, new Date(), 0]) {
    await t.rejects(tokens.prune(time as string), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  await t.rejects(tokens.prune('2024-01-01T13:00:00Z', { requestId: 'x' } as object), {
    code: 'VEXA_ADMIN_ERR_INVALID_INPUT'
  })
  t.equal(await ids(), '1234')
  t.same(await tokens.prune('2024-01-01T12:02:30Z', { actor: 'cron' }), { deleted: 2 })
  t.equal(await ids(), '34')
})

t.test('DELETE /tokens: asks for batch after batch, and lets other requests run between', async (t) => {
  const asked: object[] = []
  let turns = 0
  const { app } = await buildWithTokens(t, {
    async pruneTokens (batch) {
      asked.push({ ...batch, turns })
      const n = asked.length
      return n === 4 ? { deleted: 0, last: undefined } : { deleted: n === 2 ? 7 : 1000, last: `key${n}` }
    }
  })
  let counting = setImmediate(function count () {
    turns++
    counting = setImmediate(count)
  })
  t.teardown(() => clearImmediate(counting))
  const reply = await call(app, 'DELETE', url('2024-01-01T12:30:00.5Z'))
  t.same(reply.json(), { deleted: 2007 })
  const at = asked.map((batch) => (batch as { turns: number }).turns)
  t.same(asked.map(({ turns, ...batch }: any) => batch), [undefined, 'key1', 'key2', 'key3'].map((after) => ({
    expiredBefore: '2024-01-01T12:30:00.500Z', after, limit: 1000
  })))
  t.ok(at.every((turn, i) => i === 0 || turn > (at[i - 1] as number)), at.join())
})

t.test('DELETE /tokens: returns 503 when a batch fails, and the request can be repeated', async (t) => {
  let calls = 0
  const { app } = await buildWithTokens(t, {
    async pruneTokens () {
      if (++calls === 2) throw new Error('down')
      return calls === 1 ? { deleted: 1000, last: 'x' } : { deleted: 3, last: undefined }
    }
  })
  const failed = await call(app, 'DELETE', url('2024-01-01T12:30:00Z'))
  t.match([failed.statusCode, failed.json().code], [503, 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE'])
  t.same((await call(app, 'DELETE', url('2024-01-01T12:30:00Z'))).json(), { deleted: 3 })
})
