import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { build, call, nextOf } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

const noon = Date.parse('2024-01-01T12:00:00.000Z')

/** Stops the clock until the test ends. Returns a function that sets it to a number of hours after noon. */
function stopClock (t: Test): (hours: number) => void {
  mock.timers.enable({ apis: ['Date'], now: noon })
  t.teardown(() => mock.timers.reset())
  return (hours) => mock.timers.setTime(noon + hours * 3_600_000)
}

/** Returns the ids of the tokens that a query finds, without `token-`, and checks its count. */
async function find (app: FastifyInstance, query: Record<string, string>): Promise<string> {
  const reply = await call(app, 'GET', `/admin/tokens?${new URLSearchParams({ ...query, count: 'true' })}`)
  if (reply.statusCode !== 200) return reply.body
  const ids = reply.json().map(({ id }: { id: string }) => id.replace('token-', '')).join(' ')
  const total = ids === '' ? 0 : ids.split(' ').length
  return Number(reply.headers['x-total-count']) === total ? ids : `${ids}, but counts ${reply.headers['x-total-count']}`
}

t.test('GET /tokens: lists the tokens of all users, each with its user', async (t) => {
  const app = await build(t, { scopes: ['bot'], tokenStart: true })
  const { tokens, users } = app.vexaAdmin
  t.same((await call(app, 'GET', '/admin/tokens')).json(), [])
  const user = await users.create({ email: 'a@b', name: 'Ann', data: { secret: 1 } })
  await users.create({ email: 'c@d' })
  const full = await tokens.create('user-1', { name: 'CI', scopes: ['bot'], expires_in: 60, data: { a: [null] } })
  const bare = await tokens.create('user-2')
  const reply = await call(app, 'GET', '/admin/tokens')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'no-store')
  t.equal(reply.headers['x-total-count'], undefined)
  t.equal(reply.headers.link, undefined)
  t.same(reply.json(), [
    { ...full, token: '***', user: { id: user.id, email: 'a@b', name: 'Ann' } },
    { ...bare, token: '***', user: { id: 'user-2', email: 'c@d', name: null } }
  ])
  t.same(await tokens.find(), reply.json())
  t.equal((await call(app, 'HEAD', '/admin/tokens')).statusCode, 200)
})

t.test('GET /tokens/:id: returns the token with its user, and 404 for any other id', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const token = await tokens.create('user-1', { name: 'CI' })
  const reply = await call(app, 'GET', '/admin/tokens/token-1')
  t.equal(reply.statusCode, 200)
  t.same(reply.json(), { ...token, token: '***', user: { id: 'user-1', email: 'a@b', name: null } })
  t.same(await tokens.get('token-1'), reply.json())
  t.equal((await call(app, 'HEAD', '/admin/tokens/token-1')).statusCode, 200)
  for (const id of [...strangeIds('token', 'user'), token.token, 'verify']) {
    const { statusCode, json } = await call(app, 'GET', `/admin/tokens/${id}`)
    t.same([statusCode, json().code], [404, 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND'], id.replace(/vex_.*/, 'a value'))
  }
  await tokens.revoke('token-1')
  await t.rejects(tokens.get('token-1'), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND' })
  for (const id of [undefined, null, 1, {}]) {
    await t.rejects(tokens.get(id as string), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND' })
  }
})

t.test('GET /tokens: `state` is one of three at the time of the request', async (t) => {
  const setClock = stopClock(t)
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  await tokens.create('user-1')
  await tokens.create('user-1', { expires_in: 3600 })
  await tokens.create('user-1', { expires_in: 3600 })
  await tokens.create('user-1')
  for (const id of ['token-3', 'token-4']) await tokens.update(id, { disabled: true })
  const states = async () =>
    Promise.all(['active', 'disabled', 'expired'].map((state) => find(app, { state })))
  t.same(await states(), ['1 2', '3 4', ''])
  await users.update('user-1', { disabled: true })
  setClock(0.999)
  t.same(await states(), ['1 2', '3 4', ''], 'the state of the user does not matter')
  setClock(1)
  t.same(await states(), ['1', '4', '2 3'])
  t.equal(await find(app, {}), '1 2 3 4')
})

t.test('GET /tokens: `unused_since` compares the last use, or else the creation', async (t) => {
  const setClock = stopClock(t)
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const used = await tokens.create('user-1')
  await tokens.create('user-1')
  setClock(2)
  await tokens.verify({ token: used.token })
  await tokens.create('user-1')
  await app.close()
  const later = await build(t, { storage: storageAt(place) })
  for (const [since, expected] of [
    ['2024-01-01T12:00:00Z', ''], ['2024-01-01T12:00:00.001Z', '2'], ['2024-01-01T14:00:00Z', '2'],
    ['2024-01-01T14:00:00.001Z', '1 2 3'], ['2024-01-01T15:00:00.001+01:00', '1 2 3'],
    ['2024-01-01t09:00:00.000999-05:00', '2']
  ] as const) {
    t.equal(await find(later, { unused_since: since }), expected, since)
  }
})

t.test('GET /tokens: `expires_before` finds tokens that expire or expired before', async (t) => {
  stopClock(t)
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (const seconds of [60, 3600, undefined, 1]) await tokens.create('user-1', { expires_in: seconds })
  for (const [before, expected] of [
    ['2024-01-01T12:00:01Z', ''], ['2024-01-01T12:00:01.001Z', '4'], ['2024-01-01T13:00:00Z', '1 4'],
    ['9999-12-31T23:59:59.999Z', '1 2 4'], ['1970-01-01T00:00:00Z', ''], ['1969-12-31T20:00:00-08:00', '']
  ] as const) {
    t.equal(await find(app, { expires_before: before }), expected, before)
  }
})

t.test('GET /tokens: `search` finds names in any letter case, and wildcards mean themselves', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'ci@example.com', name: 'CI' })
  for (const name of ['CI deploy', '100%_\\', 'Ärger ΣΑΣ', undefined]) await tokens.create('user-1', { name })
  for (const [search, expected] of [
    ['ci', '1'], ['DEPLOY', '1'], ['%', '2'], ['_', '2'], ['\\', '2'], ['A\u0308R', '3'], ['σας', '3'], ['x', ''],
    ['', '1 2 3 4']
  ] as const) {
    t.equal(await find(app, { search }), expected, search)
  }
})

t.test('GET /tokens: a token must match each member of the query', async (t) => {
  stopClock(t)
  const app = await build(t, { tokenStart: true, tokenPrefix: ['vex_', 'bot_'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (const name of ['CI', 'CD']) {
    for (const prefix of ['vex_', 'bot_']) {
      for (const expiresIn of [60, undefined]) {
        const { id } = await tokens.create('user-1', { name, prefix, expires_in: expiresIn })
        if (expiresIn === undefined) await tokens.update(id, { disabled: true })
      }
    }
  }
  t.equal(await find(app, { search: 'ci', start: 'bot_' }), '3 4')
  t.equal(await find(app, { search: 'ci', start: 'bot_', state: 'active' }), '3')
  t.equal(await find(app, { search: 'c', start: 'vex_', state: 'disabled' }), '2 6')
  t.equal(await find(app, { start: 'vex_', expires_before: '2025-01-01T00:00:00Z', order: 'desc' }), '5 1')
  t.equal(await find(app, { state: 'disabled', expires_before: '2025-01-01T00:00:00Z' }), '')
  t.same((await tokens.find({ search: 'CD', state: 'disabled' })).map(({ id }) => id), ['token-6', 'token-8'])
})

t.test('GET /tokens: Link visits each match once, and keeps the query except `count`', async (t) => {
  stopClock(t)
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  for (const email of ['a@b', 'c@d']) await users.create({ email })
  for (let i = 0; i < 20; i++) {
    await tokens.create(`user-${1 + i % 2}`, { name: i % 3 === 0 ? 'other' : 'R&D+ü', expires_in: 60 })
  }
  const matching = [2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20].map((key) => `token-${key}`)
  const query = { search: 'r&d+Ü', state: 'active', expires_before: '2024-01-01T14:00:00+01:00', limit: '4' }
  for (const order of ['asc', 'desc']) {
    const seen: string[] = []
    let url: string | undefined = `/admin/tokens?${new URLSearchParams({ ...query, order, count: 'true' })}`
    for (let page = 0; url !== undefined; page++) {
      const reply = await call(app, 'GET', url)
      t.equal(reply.headers['x-total-count'], page > 0 ? undefined : order === 'asc' ? '13' : '12')
      seen.push(...reply.json().map(({ id }: { id: string }) => id))
      t.equal(await next(app, url), nextOf(url, reply.headers.link), 'HEAD has the same Link')
      url = nextOf(url, reply.headers.link)
      if (url === undefined) continue
      const kept = Object.fromEntries(new URL(url, 'http://x').searchParams)
      t.same(kept, { ...query, order, after: seen.at(-1) })
      // Neither the end of a token nor a new one moves the page.
      if (page === 1) await tokens.revoke(seen.at(-1) as string)
    }
    t.same(seen, order === 'asc' ? matching : matching.filter((id) => id !== 'token-12').reverse())
  }
})

const next = async (app: FastifyInstance, url: string) => nextOf(url, (await call(app, 'HEAD', url)).headers.link)

t.test('GET /tokens: returns 100 tokens by default, and at most 1000', async (t) => {
  const place = emptyPlace(t)
  const storage = storageAt(place)
  const limits: number[] = []
  const listTokens: typeof storage.listTokens = async (page) => {
    limits.push(page.limit)
    return storage.listTokens(page)
  }
  const app = await build(t, { storage: faultyStorage(storage, { listTokens }) })
  for (const query of ['', '?limit=1', '?limit=1000']) await call(app, 'GET', `/admin/tokens${query}`)
  t.same(limits, [101, 2, 1001])
})

t.test('GET /tokens: rejects an invalid query without a call of the storage', async (t) => {
  const calls: unknown[] = []
  const storage = faultyStorage(emptyStorage(t), { listTokens: async (page) => { calls.push(page); return [] } })
  const app = await build(t, { storage })
  const time = 'Expected a time as in RFC 3339, such as 2024-01-01T12:00:00Z, from 1970 to 9999, with seconds ' +
    'up to 59 and at most 9 decimal places'
  for (const [query, message] of [
    ['limit=0', /limit/], ['limit=1001', /limit/], ['limit=1e2', /limit/], ['limit=1&limit=2', /limit/],
    ['after=user-1', /after/], ['after=1', /after/], ['after=token-', /after/], ['after=token-1%0A', /after/],
    ['order=up', /order Expected one of asc, desc/], ['state=revoked', /state Expected one of active, disabled, expired/],
    ['state=', /state/], ['count=1', /count/], ['skip=1', /skip Unexpected property/], ['user_id=user-1', /Unexpected/],
    ['search=%00', /search/], [`search=${'x'.repeat(256)}`, /search/], ['start=', /start/], ['start=%C3%A9', /start/],
    ['start=a%20b', /start/],
    ...[
      '', '2024-01-01', '2024-01-01T12:00:00', '2024-01-01T12:00:00+02:00', '2024-01-01 12:00:00Z', '1704110400000',
      '2024-02-30T00:00:00Z', '2023-02-29T00:00:00Z', '2024-13-01T00:00:00Z', '2024-01-01T24:00:00Z',
      '2024-01-01T12:60:00Z', '2016-12-31T23:59:60Z', '+02024-01-01T00:00:00Z', '1970-01-01T00:59:59.999%2B01:00', '1969-12-31T23:59:59Z', '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-01:00', '2024-01-01T12:00:00%2B24:00', '2024-01-01T12:00:00.Z', 'now', '%00',
      '2024-01-01T12:00:00.1234567890Z'
    ].flatMap((text) => ['unused_since', 'expires_before'].map((name) => {
      // A decoded + is a space.
      const advice = /\d\+\d\d:\d\d$/.test(text) ? '. In a query, send + as %2B' : ''
      return [`${name}=${text}`, `querystring/${name} ${time}${advice}`] as const
    }))
  ] as const) {
    const reply = await call(app, 'GET', `/admin/tokens?${query}`)
    t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message }, query)
  }
  await t.rejects(app.vexaAdmin.tokens.prune('x'), { message: ` ${time}` })
  for (const query of [{ limit: '1' }, { state: 'x' }, { unused_since: new Date() }, { other: 1 }, null, []]) {
    await t.rejects(app.vexaAdmin.tokens.find(query as object), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  t.same(calls, [])
})

t.test('GET /users/:id/tokens: pages by after in both orders', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  for (const email of ['a@b', 'c@d']) await users.create({ email })
  for (let i = 0; i < 10; i++) await tokens.create(`user-${1 + i % 2}`)
  for (const [order, expected] of [['asc', [1, 3, 5, 7, 9]], ['desc', [9, 7, 5, 3, 1]]] as const) {
    const seen: string[] = []
    let url: string | undefined = `/admin/users/user-1/tokens?order=${order}&limit=2`
    while (url !== undefined) {
      const reply = await call(app, 'GET', url)
      t.ok(reply.json().length <= 2)
      t.notOk(reply.json().some((token: object) => 'user' in token))
      seen.push(...reply.json().map(({ id }: { id: string }) => id))
      url = nextOf(url, reply.headers.link)
    }
    t.same(seen, expected.map((key) => `token-${key}`))
    t.same((await tokens.list('user-1', { order })).map(({ id }) => id), seen)
  }
  t.equal((await call(app, 'GET', '/admin/users/user-1/tokens')).headers.link, undefined)
  t.same((await tokens.list('user-1', { after: 'token-5', limit: 1 })).map(({ id }) => id), ['token-7'])
  for (const query of ['limit=0', 'limit=1001', 'after=user-1', 'order=x', 'count=true', 'search=x', 'state=active']) {
    t.equal((await call(app, 'GET', `/admin/users/user-1/tokens?${query}`)).statusCode, 400, query)
  }
  await t.rejects(tokens.list('user-1', { limit: 0 }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
})
