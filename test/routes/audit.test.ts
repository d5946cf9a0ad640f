import { mock } from 'node:test'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { auditEvents, fingerprintAdminKey, type AuditEntry } from '../../src/index.js'
import { hashTokenValue } from '../../src/services/token-value.js'
import { hear } from '../support/hear.js'
import { adminKey, build, call, nextOf } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

const audit = true

async function list (app: FastifyInstance, query = ''): Promise<AuditEntry[]> {
  const reply = await call(app, 'GET', `/admin/audit${query}`)
  if (reply.statusCode !== 200) throw new Error(reply.body)
  return reply.json()
}

/** Returns the numbers in the ids of the entries that a query selects. */
const numbers = async (app: FastifyInstance, query: string) =>
  (await list(app, query)).map(({ id }) => Number(id.replace('audit-', '')))

type Change = [method: Parameters<typeof call>[1], path: string, payload: object | undefined, expected: object]

const changes: Change[] = [
  ['POST', '/users', { email: 'a@b', name: 'Secret Name' }, { action: 'user.created' }],
  [
    'PATCH', '/users/user-1', { name: 'Other Name', disabled: false, data: { secret: 1 } },
    { action: 'user.updated', changed: ['name', 'disabled', 'data'] }
  ],
  ['PUT', '/users/user-1/data', { secret: 1 }, { action: 'user.updated', changed: ['data'] }],
  ['POST', '/users/user-1/tokens', { name: 'Secret Name' }, { action: 'token.created', token_id: 'token-1' }],
  [
    'PATCH', '/tokens/token-1', { name: 'Other Name', expires_in: 60, data: { secret: 1 } },
    { action: 'token.updated', token_id: 'token-1', changed: ['name', 'expires_in', 'data'] }
  ],
  [
    'POST', '/tokens/token-1/rotate', { grace_period: 60 },
    { action: 'token.rotated', token_id: 'token-1', successor_id: 'token-2' }
  ],
  ['POST', '/tokens/token-2/rotate', {}, { action: 'token.rotated', token_id: 'token-2', successor_id: 'token-3' }],
  ['DELETE', '/tokens/token-3', undefined, { action: 'token.revoked', token_id: 'token-3' }],
  ['DELETE', '/users/user-1/tokens', undefined, { action: 'token.revoked' }],
  ['DELETE', '/users/user-1', undefined, { action: 'user.deleted' }]
]

for (const tokenCache of [undefined, { ttl: 60_000 }]) {
  t.test(`audit: each change leaves one entry when tokenCache is ${JSON.stringify(tokenCache)}`, async (t) => {
    let requests = 0
    const app = await build(t, { audit, tokenCache }, { genReqId: () => `request-${++requests}` })
    const heard = hear(t, ...auditEvents)
    const expected: object[] = []
    let said = ''
    for (const [i, [method, path, payload, entry]] of changes.entries()) {
      const before = new Date().toISOString()
      const reply = await call(app, method, `/admin${path}`, payload && { payload })
      t.ok(reply.statusCode < 300, `${method} ${path}`)
      said += reply.body
      expected.unshift({
        id: `audit-${i + 1}`,
        user_id: 'user-1',
        actor: fingerprintAdminKey(adminKey),
        request_id: `request-${requests}`,
        ...entry
      })
      const [{ at = '' } = {}] = await list(app, '?limit=1')
      t.ok(at >= before && at <= new Date().toISOString(), at)
    }
    const entries = await list(app)
    t.same(entries.map(({ at, ...entry }) => entry), expected)
    t.same(await list(app, '?order=asc'), [...entries].reverse())
    t.same(
      entries.map(({ actor, request_id: id, changed, successor_id: successor }) => [actor, id, changed, successor]),
      heard.map(({ actor, requestId, changed, successorId }) => [actor, requestId, changed, successorId]).reverse(),
      'the events say the same'
    )

    const kept = JSON.stringify(entries)
    const values = said.match(/vex_[0-9A-Za-z]{36}/g) ?? []
    t.equal(values.length, 3)
    const hashes = values.map(hashTokenValue).flatMap((hash) => [hash.toString('hex'), hash.toString('base64')])
    for (const secret of ['a@b', 'Name', 'secret', '127.0.0.1', adminKey, ...values, ...hashes]) {
      t.notOk(kept.includes(secret), secret)
    }
  })
}

t.test('audit: a request that changes nothing leaves no entry', async (t) => {
  const app = await build(t, { audit, duplicateEmail: 'return' })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1', { expires_in: 3600 })
  await app.vexaAdmin.tokens.rotate('token-1', { grace_period: 60 })
  await app.vexaAdmin.users.create({ email: 'c@d' })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const before = await list(app)
  t.equal(before.length, 4)

  const stale = { 'if-match': '"9"' }
  const requests: Array<[Change[0], string, number, object?, Record<string, string>?]> = [
    ['GET', '/users', 200],
    ['GET', '/audit', 200],
    ['POST', '/users', 200, { email: 'a@b', name: 'x' }],
    ['POST', '/users', 400, {}],
    ['PATCH', '/users/user-1', 200, {}],
    ['PATCH', '/users/user-1', 409, { email: 'c@d' }],
    ['PATCH', '/users/user-1', 412, { name: 'x' }, stale],
    ['PUT', '/users/user-1/data', 412, {}, stale],
    ['DELETE', '/users/user-1', 412, undefined, stale],
    ['PATCH', '/users/user-9', 404, { name: 'x' }],
    ['PUT', '/users/user-9/data', 404, {}],
    ['DELETE', '/users/user-9', 404],
    ['POST', '/users/user-9/tokens', 404],
    ['DELETE', '/users/user-9/tokens', 404],
    ['DELETE', '/users/user-2/tokens', 204],
    ['PATCH', '/tokens/token-1', 200, {}],
    ['PATCH', '/tokens/token-1', 400, { name: 1 }],
    ['PATCH', '/tokens/token-9', 404, { name: 'x' }],
    ['POST', '/tokens/token-1/rotate', 409],
    ['POST', '/tokens/token-9/rotate', 404],
    ['DELETE', '/tokens/token-9', 404],
    ['DELETE', '/tokens?state=expired&expired_before=2024-01-01T12:00:00Z', 200],
    ['POST', '/tokens/verify', 200, { token }],
    ['POST', '/introspect', 200, { token }],
    ['POST', '/revoke', 200, { token: `${token.slice(0, -1)}_` }]
  ]
  for (const [method, path, status, payload, headers = {}] of requests) {
    const reply = await call(app, method, `/admin${path}`, { headers, ...payload && { payload } })
    t.equal(reply.statusCode, status, `${method} ${path}: ${reply.body}`)
  }
  t.equal((await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode, 200)
  t.equal((await app.inject({ method: 'DELETE', url: '/admin/users/user-1' })).statusCode, 401)
  t.match(await app.vexaAdmin.users.edit('user-1', () => {}), { id: 'user-1' })
  t.match(await app.vexaAdmin.users.edit('user-1', () => ({})), { id: 'user-1' })
  t.match(await app.vexaAdmin.users.update('user-1', { name: undefined }), { name: null })
  t.same(await list(app), before)

  t.equal((await call(app, 'POST', '/admin/revoke', { payload: { token } })).statusCode, 200)
  t.match(await list(app, '?limit=1'), [
    { id: 'audit-5', action: 'token.revoked', token_id: 'token-1', user_id: 'user-1' }
  ])
})

t.test('audit: a change by the app has no request, and the actor that it gives', async (t) => {
  const app = await build(t, { audit })
  const { users, tokens } = app.vexaAdmin
  await users.findOrCreate({ email: 'a@b' }, { actor: 'cron' })
  await users.findOrCreate({ email: 'a@b' }, { actor: 'cron' })
  await users.edit('user-1', () => ({ name: 'x', data: undefined }), { actor: 'editor' })
  await tokens.create('user-1')
  t.same((await list(app, '?order=asc')).map(({ at, ...entry }) => entry), [
    { id: 'audit-1', action: 'user.created', user_id: 'user-1', actor: 'cron' },
    { id: 'audit-2', action: 'user.updated', user_id: 'user-1', actor: 'editor', changed: ['name'] },
    { id: 'audit-3', action: 'token.created', user_id: 'user-1', token_id: 'token-1' }
  ])
})

t.test('audit: the actor is what `authorize` returns, or absent', async (t) => {
  const longest = '\u{1F600}'.repeat(255)
  let answer: true | { actor: string } = true
  const app = await build(t, { audit, authorize: () => answer })
  const create = (email: string) => app.inject({ method: 'POST', url: '/admin/users', payload: { email } })
  await create('a@b')
  answer = { actor: longest }
  await create('c@d')
  const [second, first] = await list(app)
  t.equal(first?.actor, undefined)
  t.equal(second?.actor, longest)
})

t.test('audit: any id of a request is kept, without control characters', async (t) => {
  const longest = '\u{1F600}'.repeat(255)
  const ids: Array<[id: unknown, kept: string | undefined]> = [
    ['a\0b\n\u009fc', 'abc'], [longest, longest], [`${longest}x`, longest], [7, '7'], ['\ud800x', '\ufffdx'],
    ['', undefined]
  ]
  let next: unknown
  const app = await build(t, { audit }, { genReqId: () => next as string })
  for (const [i, [id]] of ids.entries()) {
    next = id
    const reply = await call(app, 'POST', '/admin/users', { payload: { email: `user-${i}@example.com` } })
    t.equal(reply.statusCode, 201)
  }
  t.strictSame((await list(app, '?order=asc')).map(({ request_id: id }) => id), ids.map(([, kept]) => kept))
})

t.test('GET /audit: an entry must match each filter', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.parse('2024-01-01T12:00:00.000Z') })
  t.teardown(() => mock.timers.reset())
  const app = await build(t, { audit })
  const { users, tokens } = app.vexaAdmin
  const change = async (make: () => Promise<unknown>) => { await make(); mock.timers.tick(1000) }
  await change(() => users.create({ email: 'a@b' }, { actor: 'ops' }))
  await change(() => users.create({ email: 'c@d' }, { actor: 'Ops' }))
  await change(() => tokens.create('user-1', {}, { actor: 'ops' }))
  await change(() => tokens.create('user-2'))
  await change(() => tokens.rotate('token-1', {}, { actor: 'ops' }))
  await change(() => users.update('user-2', { disabled: true }, { actor: 'ops' }))
  await change(() => users.delete('user-1', { actor: 'ops' }))
  const selected: Array<[query: string, numbers: number[]]> = [
    ['', [7, 6, 5, 4, 3, 2, 1]],
    ['order=asc', [1, 2, 3, 4, 5, 6, 7]],
    ['user_id=user-1', [7, 5, 3, 1]],
    ['user_id=user-2&order=asc', [2, 4, 6]],
    ['user_id=user-9', []],
    ['token_id=token-1', [5, 3]],
    ['token_id=token-3', []],
    ['token_id=token-1&user_id=user-2', []],
    ['action=user.created', [2, 1]],
    ['action=token.rotated', [5]],
    ['actor=ops', [7, 6, 5, 3, 1]],
    ['actor=Ops', [2]],
    ['actor=op', []],
    ['actor=', []],
    ['actor=%25', []],
    ['since=2024-01-01T12:00:05Z', [7, 6]],
    ['since=2024-01-01T12:00:04.001Z', [7, 6]],
    ['until=2024-01-01T12:00:02Z', [2, 1]],
    ['until=2024-01-01T12:00:02.001Z', [3, 2, 1]],
    ['since=2024-01-01T14:00:02%2B02:00&until=2024-01-01T12:00:04Z', [4, 3]],
    ['since=2024-01-01T12:00:04Z&until=2024-01-01T12:00:02Z', []],
    ['user_id=user-1&actor=ops&action=user.deleted&since=2024-01-01T12:00:06Z', [7]],
    ['after=audit-3', [2, 1]],
    ['after=audit-3&order=asc', [4, 5, 6, 7]],
    ['after=audit-3&order=asc&user_id=user-1&limit=1', [5]],
    ['after=audit-7&order=asc', []],
    ['after=audit-1', []],
    ['after=audit-99', [7, 6, 5, 4, 3, 2, 1]]
  ]
  for (const [query, expected] of selected) t.same(await numbers(app, `?${query}`), expected, query)
  for (const [kind, other] of [['user', 'token'], ['token', 'user']] as const) {
    for (const id of ['', 'audit-1', ...strangeIds(kind, other)].filter((id) => !/^(user|token)-2$/.test(id))) {
      t.same(await numbers(app, `?${kind}_id=${id}`), [], `${kind}_id=${id}`)
    }
  }
})

t.test('GET /audit: `Link` leads to each entry once, and keeps the filters', async (t) => {
  const app = await build(t, { audit })
  for (let n = 1; n <= 5; n++) {
    await app.vexaAdmin.users.create({ email: `${n}@b` }, { actor: 'a & b' })
    await app.vexaAdmin.users.update(`user-${n}`, { name: 'x' })
  }
  for (const [order, expected] of [['asc', [1, 3, 5, 7, 9]], ['desc', [9, 7, 5, 3, 1]]] as const) {
    const query = new URLSearchParams({ limit: '2', order, actor: 'a & b', since: '2024-01-01T00:00:00+02:00' })
    const found: string[] = []
    let pages = 0
    for (let next: string | undefined = `/admin/audit?${query}`; next !== undefined; pages++) {
      const { headers, body }: { headers: Record<string, unknown>, body: string } = await call(app, 'GET', next)
      found.push(...JSON.parse(body).map(({ id }: AuditEntry) => id))
      const head = await call(app, 'HEAD', next)
      t.same([head.statusCode, head.body, head.headers.link], [200, '', headers.link])
      next = nextOf(next, headers.link)
    }
    t.same(found, expected.map((n) => `audit-${n}`), order)
    t.equal(pages, 3)
  }
  const all = await call(app, 'GET', '/admin/audit?limit=10')
  t.equal(all.headers.link, undefined, 'the last page has no Link')
  t.equal(all.headers['cache-control'], 'no-store')
})

t.test('GET /audit: a page has 100 entries by default, and at most 1000', async (t) => {
  const app = await build(t, { audit })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (let n = 1; n <= 100; n++) await app.vexaAdmin.users.update('user-1', { name: `${n}` })
  const reply = await call(app, 'GET', '/admin/audit')
  t.equal(reply.json().length, 100)
  t.equal(reply.headers.link, '<?after=audit-2>; rel="next"')
  t.equal((await list(app, '?limit=1000')).length, 101)
  for (const query of [
    'limit=0', 'limit=1001', 'limit=x', 'order=up', 'after=x', 'after=user-1', 'after=audit-',
    `after=audit-${'1'.repeat(65)}`, 'action=created', 'action=', 'since=yesterday', 'until=2024-01-01', 'since=2024-01-01T00:00:00+02:00', 'actor=%00',
    `actor=${'x'.repeat(256)}`, 'skip=1', 'count=true', 'x=1', 'actor=a&actor=b'
  ]) {
    const { statusCode, body } = await call(app, 'GET', `/admin/audit?${query}`)
    t.equal(statusCode, 400, query)
    t.equal(JSON.parse(body).code, 'FST_ERR_VALIDATION')
  }
})

t.test('audit: without the option there is no route, and no entry is written', async (t) => {
  const app = await build(t)
  for (const [method, path, payload] of changes) {
    t.ok((await call(app, method, `/admin${path}`, payload && { payload })).statusCode < 300)
  }
  for (const method of ['GET', 'HEAD'] as const) t.equal((await call(app, method, '/admin/audit')).statusCode, 404)
  t.equal((await call(app, 'GET', '/admin/settings')).json().audit, false)
  await t.rejects(app.vexaAdmin.audit.list(), {
    code: 'VEXA_ADMIN_ERR_AUDIT_OFF', statusCode: 500, message: /turn on the option `audit`/
  })
})
