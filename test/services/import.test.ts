import t from 'tap'
import { auditEvents } from '../../src/index.js'
import { portableMethodNames } from '../../src/storage/storage-adapter.js'
import { backDoor, emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { faultyStorage, interceptStorage } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { exported, open, run, textOf, token, user } from '../support/imports.js'

const full = [
  user('old-1', {
    email: 'Jane@Example.com',
    name: 'Jane \u{1F511}',
    max_concurrent_bots: 0,
    data: { plan: 'pro', none: null },
    disabled: true,
    created_at: '2020-01-02T03:04:05.678+02:00',
    id: 'user-77'
  }),
  token('old-1', 'sk_full', {
    id: 'token-99',
    name: 'CI',
    scopes: ['bot'],
    start: 'sk_f',
    data: { a: [1] },
    disabled: true,
    created_at: '2020-01-02T00:00:00Z',
    expires_at: '2999-01-01T00:00:00Z',
    expires_in: 60,
    last_used_at: '2020-02-02T00:00:30.500Z'
  }),
  user('2'),
  token('2', 'sk_plain')
]

t.test('import: creates users and tokens with each member that is given', async (t) => {
  const admin = await open(t, { scopes: ['bot'], defaultMaxConcurrentBots: 7 })
  const { counts, issues, ids } = await run(admin, full)
  t.same({ counts, issues, ids }, {
    counts: { 'user created': 2, 'token created': 2 }, issues: [], ids: { 'old-1': 'user-1', 2: 'user-2' }
  })
  t.same(await admin.users.get('user-1'), {
    id: 'user-1',
    email: 'jane@example.com',
    name: 'Jane \u{1F511}',
    max_concurrent_bots: 0,
    created_at: '2020-01-02T01:04:05.678Z',
    disabled: true,
    data: { plan: 'pro', none: null },
    api_tokens: [{
      id: 'token-1',
      token: '***',
      user_id: 'user-1',
      created_at: '2020-01-02T00:00:00.000Z',
      name: 'CI',
      scopes: ['bot'],
      expires_at: '2999-01-01T00:00:00.000Z',
      last_used_at: '2020-02-02T00:00:30.500Z',
      disabled: true,
      data: { a: [1] },
      start: 'sk_f'
    }]
  })
  const plain = await admin.users.get('user-2')
  t.match(plain, { name: null, max_concurrent_bots: 7, created_at: new Date().toISOString().slice(0, 10) })
  t.same(Object.keys(plain.api_tokens[0] as object).sort(), ['created_at', 'id', 'token', 'user_id'])
  t.match(await admin.tokens.verify({ token: 'sk_plain' }), { valid: true, user: { id: 'user-2' } })
})

t.test('import: a second run creates nothing, wherever the tokens stand', async (t) => {
  const numbers = Array.from({ length: 700 }, (_, n) => n)
  const users = numbers.map((n) => user(`u${n}`))
  const tokensOf = (n: number) => [token(`u${n}`, `sk_${n}a`), token(`u${n}`, `sk_${n}b`)]
  const layouts = {
    'each after its user': users.flatMap((user, n) => [user, ...tokensOf(n)]),
    'all at the end': [...users, ...numbers.toReversed().flatMap(tokensOf)]
  }
  for (const [name, lines] of Object.entries(layouts)) {
    const admin = await open(t)
    const first = await run(admin, textOf(lines))
    t.same(first.counts, { 'user created': 700, 'token created': 1400 }, name)
    const second = await run(admin, textOf(lines))
    t.same(second, { counts: { 'user present': 700, 'token present': 1400 }, issues: [], ids: first.ids }, name)
    t.equal(Object.keys(second.ids).length, 700)
    for (const n of [0, 511, 699]) {
      const { api_tokens: tokens, email } = await admin.users.get(second.ids[`u${n}`] as string)
      t.same([email, tokens.length], [`u${n}@example.com`, 2])
      t.match(await admin.tokens.verify({ token: `sk_${n}b` }), { valid: true, user: { email } })
    }
  }
})

t.test('import: reports a stored token whose line is disabled or expires earlier', async (t) => {
  const admin = await open(t)
  const soon = '2100-01-01T00:00:00.000Z'
  const late = '2200-01-01T00:00:00.000Z'
  const lines = (...members: object[]) =>
    [user('jane'), ...members.map((given, n) => ({ token: { ...token('jane', `sk_${n}`).token, ...given } }))]
  await run(admin, lines({}, {}, { expires_at: late }, { disabled: true }, { expires_at: soon }))
  const { counts, issues } = await run(admin, lines(
    { disabled: true }, { expires_at: late }, { expires_at: soon }, { disabled: false }, { expires_at: late }
  ))
  t.same(counts, { 'user present': 1, 'token present': 5 })
  t.same(issues, [2, 3, 4].map((line) =>
    `${line} conflict: The stored token token-${line - 1} stays valid longer than the line: update or revoke it`))
  t.match(await admin.tokens.verify({ token: 'sk_0' }), { valid: true })
})

t.test('import: treats a conflict as onConflict says', async (t) => {
  const stored = { email: 'jane@example.com', name: 'Jane', max_concurrent_bots: 5, data: { a: 1, b: { c: 2 } } }
  const line = user('jane', { name: 'Joan', max_concurrent_bots: 5, data: { a: null, b: { d: 3 } }, disabled: true })
  const lines = [
    { user: { ...line.user, created_at: '2020-01-01T00:00:00Z' } }, token('jane', 'sk_1'), user('new'),
    token('new', 'sk_2')
  ]
  const message = '1 conflict: The stored user user-1 differs in: name, disabled, data'
  const createAnd = async () => {
    const admin = await open(t)
    return { admin, before: await admin.users.create(stored) }
  }

  const skipping = await createAnd()
  for (const created of [{ 'token created': 2, 'user created': 1 }, { 'token present': 2, 'user present': 1 }]) {
    const { counts, issues, ids } = await run(skipping.admin, lines)
    t.same([counts, issues, ids.jane], [{ 'user skipped': 1, ...created }, [message], 'user-1'])
    const { api_tokens: tokens, ...after } = await skipping.admin.users.get('user-1')
    t.same([after, tokens.length], [skipping.before, 1])
  }

  const merging = await createAnd()
  const { counts, issues } = await run(merging.admin, lines, { onConflict: 'merge' })
  t.same([counts, issues], [{ 'user updated': 1, 'user created': 1, 'token created': 2 }, []])
  const merged = { ...merging.before, name: 'Joan', data: { b: { c: 2, d: 3 } }, disabled: true }
  t.match(await merging.admin.users.get('user-1'), { ...merged, api_tokens: [{ id: 'token-1' }] })
  const again = await run(merging.admin, lines, { onConflict: 'merge' })
  t.same(again.counts, { 'user present': 2, 'token present': 2 })

  const failing = await createAnd()
  const before = [user('first'), token('first', 'sk_0')]
  await t.rejects(run(failing.admin, [...before, ...lines], { onConflict: 'fail' }), {
    code: 'VEXA_ADMIN_ERR_IMPORT_CONFLICT',
    statusCode: 409,
    message: 'Line 3 of the import: The stored user user-1 differs in: name, disabled, data'
  })
  t.same((await failing.admin.users.list()).map(({ email }) => email), ['jane@example.com', 'first@example.com'])
  t.same((await failing.admin.tokens.find()).length, 1, 'the lines before the conflict are imported')
  t.same((await run(failing.admin, [...before, user('new')], { onConflict: 'fail' })).counts,
    { 'user present': 1, 'token present': 1, 'user created': 1 })
})

t.test('import: an equal user is no conflict, whatever the form of its members', async (t) => {
  const admin = await open(t)
  await admin.users.create({ email: 'jane@example.com', name: 'Jane', data: { a: 1, b: [{ c: null }] } })
  for (const members of [
    {}, { name: 'Jane' }, { email: 'JANE@Example.com', data: { b: [{ c: null }], a: 1 }, max_concurrent_bots: 3 },
    { disabled: false, created_at: '2020-01-01T00:00:00Z', name: undefined }
  ]) {
    for (const onConflict of ['skip', 'merge', 'fail'] as const) {
      t.same((await run(admin, [user('jane', members)], { onConflict })).counts, { 'user present': 1 })
    }
  }
  for (const members of [{ name: null }, { data: null }, { data: { a: 1 } }, { data: { a: 1, b: [{}] } }]) {
    t.same((await run(admin, [user('jane', members)])).counts, { 'user skipped': 1 }, JSON.stringify(members))
  }
  t.same((await run(admin, [user('jane', { data: null })], { onConflict: 'merge' })).counts, { 'user updated': 1 })
  t.equal((await admin.users.get('user-1')).data, undefined)
})

t.test('import: two lines with one address make one user, and the report says so', async (t) => {
  const lines = [
    user('a', { email: 'Jane@example.com', name: 'A' }), token('a', 'sk_a'),
    user('b', { email: 'jANE@example.com', name: 'B', disabled: true }), token('b', 'sk_b')
  ]
  const twins = ['3 conflict: Line 1 has the same address, so both lines are about one user, user-1']
  for (const gap of [0, 600]) {
    const between = Array.from({ length: gap }, (_, n) => user(`between${n}`))
    const all = [...lines.slice(0, 2), ...lines.slice(2), ...between]
    const skipping = await open(t)
    for (const kind of ['created', 'present']) {
      const { counts, issues, ids } = await run(skipping, all)
      t.same(counts, { [`user ${kind}`]: gap + 1, 'user skipped': 1, [`token ${kind}`]: 2 })
      t.same([issues, ids.a, ids.b], [twins, 'user-1', 'user-1'])
    }
    t.match(await skipping.users.get('user-1'), { name: 'A', api_tokens: [{}, {}] })

    const merging = await open(t)
    const { counts, issues } = await run(merging, all, { onConflict: 'merge' })
    t.same([counts['user updated'], issues], [1, twins])
    t.match(await merging.users.get('user-1'), { name: 'B', disabled: true, api_tokens: [{}, {}] })

    const failing = await open(t)
    await t.rejects(run(failing, all, { onConflict: 'fail' }), {
      code: 'VEXA_ADMIN_ERR_IMPORT_CONFLICT', message: /^Line 3/
    })
    t.equal((await failing.tokens.find()).length, 1)
  }
})

t.test('import: keeps ids with keepIds, and new ids are larger', async (t) => {
  const admin = await open(t)
  await admin.users.create({ email: 'first@example.com' })
  const lines = [
    user('a', { id: 'user-7' }), token('a', 'sk_a', { id: 'token-9' }), user('b', { id: 'user-3' }),
    token('b', 'sk_b', { id: 'token-4' })
  ]
  for (const kind of ['created', 'present']) {
    const { counts, ids, issues } = await run(admin, lines, { keepIds: true })
    t.same([counts, ids, issues], [{ [`user ${kind}`]: 2, [`token ${kind}`]: 2 }, { a: 'user-7', b: 'user-3' }, []])
  }
  const kept = (await admin.tokens.find()).map(({ id, user_id: userId }) => [id, userId])
  t.same(kept, [['token-4', 'user-3'], ['token-9', 'user-7']])
  const next = await admin.users.create({ email: 'next@example.com' })
  t.equal(next.id, 'user-8')
  t.equal((await admin.tokens.create(next.id)).id, 'token-10')

  const { counts, issues } = await run(admin, [
    user('c'), user('d', { id: 'user-x y' }), user('e', { id: 'token-5' }), user('f', { id: 'user-7' }),
    user('g', { id: 'user-abc' }), user('h', { id: 'user-9007199254740991' }), user('i', { id: 'user-20' }),
    user('j', { id: 'user-20' }), token('f', 'sk_f', { id: 'token-50' }), token('i', 'sk_i'),
    token('i', 'sk_i', { id: 'token-9' }), token('i', 'sk_j', { id: 'token-30' }),
    token('i', 'sk_k', { id: 'token-30' }), token('i', 'sk_j', { id: 'token-31' }),
    user('first', { id: 'user-40' }), token('first', 'sk_l', { id: 'token-32' })
  ], { keepIds: true })
  t.same(counts, {
    'user created': 1, 'user skipped': 1, 'user rejected': 7, 'token created': 2, 'token rejected': 5
  })
  t.same(issues.sort((a, b) => parseInt(a) - parseInt(b)), [
    '1 rejected: /user/id Expected an id such as user-7, because of keepIds',
    '2 rejected: /user/id Expected an id such as user-7, because of keepIds',
    '3 rejected: /user/id Expected an id such as user-7, because of keepIds',
    '4 rejected: /user/id Another user has this id, or the storage cannot use it as a key',
    '5 rejected: /user/id Another user has this id, or the storage cannot use it as a key',
    '6 rejected: /user/id Another user has this id, or the storage cannot use it as a key',
    '8 rejected: /user/id Another user has this id, or the storage cannot use it as a key',
    '9 rejected: /token/user No earlier line that was imported has this ref',
    '10 rejected: /token/id Expected an id such as token-7, because of keepIds',
    '11 rejected: /token/id Another token has this id, or the storage cannot use it as a key',
    '13 rejected: /token/id Another token has this id, or the storage cannot use it as a key',
    '14 rejected: /token/id This token is stored as token-30',
    '15 conflict: The user with this address is stored as user-1'
  ])
  t.match(await admin.users.get('user-1'), { api_tokens: [{ id: 'token-32' }] })
  t.same((await run(admin, [user('k', { id: 'user-90' }), token('k', 'sk_n', { id: 'x' })])).counts,
    { 'user created': 1, 'token created': 1 }, 'without keepIds, an id does not matter')
  t.equal((await admin.users.getByEmail('k@example.com')).id, 'user-21')
})

t.test('import: a dry run changes nothing, and counts what a run would do', async (t) => {
  const lines = [
    user('jane', { name: 'New' }), token('jane', 'sk_1'), token('jane', 'sk_2'), user('new'), token('new', 'sk_3'),
    user('equal'), token('equal', 'sk_4'), user('twin', { email: 'NEW@example.com' }), token('twin', 'sk_5'),
    user('bad', { email: 'x' }), token('bad', 'sk_6'), token('new', 'sk_1')
  ]
  for (const onConflict of ['skip', 'merge'] as const) {
    const admin = await open(t, { audit: true })
    await admin.users.create({ email: 'jane@example.com' })
    await admin.users.create({ email: 'equal@example.com' })
    await run(admin, [user('jane'), token('jane', 'sk_1')])
    const before = [await exported(admin), await admin.audit.list()]
    const dry = await run(admin, lines, { dryRun: true, onConflict })
    t.same([await exported(admin), await admin.audit.list()], before)
    t.same(dry.ids, { jane: 'user-1', equal: 'user-2' })
    const wet = await run(admin, lines, { onConflict })
    t.same(dry.counts, wet.counts)
    t.same(dry.issues.map((issue) => parseInt(issue)), wet.issues.map((issue) => parseInt(issue)))
  }
  const failing = await open(t)
  await failing.users.create({ email: 'jane@example.com' })
  await t.rejects(run(failing, lines, { dryRun: true, onConflict: 'fail' }), { message: /^Line 1 / })
})

t.test('import: rejects a token that another user has', async (t) => {
  const admin = await open(t)
  await run(admin, [user('a'), token('a', 'sk_1')])
  const { counts, issues } = await run(admin, [user('b'), token('b', 'sk_1'), token('b', 'sk_2'), token('b', 'sk_2')])
  t.same(counts, { 'user created': 1, 'token rejected': 1, 'token created': 1, 'token present': 1 })
  t.same(issues, ['2 rejected: /token Another user, user-1, has this token'])
  t.match(await admin.tokens.verify({ token: 'sk_1' }), { user: { id: 'user-1' } })
})

t.test('import: leaves a stored token as it is', async (t) => {
  const admin = await open(t)
  await run(admin, [user('a'), token('a', 'sk_1', { name: 'old' })])
  await admin.tokens.update('token-1', { disabled: true })
  t.same((await run(admin, [user('a'), token('a', 'sk_1', { name: 'new' })], { onConflict: 'merge' })).counts,
    { 'user present': 1, 'token present': 1 })
  t.match(await admin.tokens.get('token-1'), { name: 'old', disabled: true })
})

t.test('import: an expired token stays expired, and a successor gets the lifetime', async (t) => {
  const admin = await open(t)
  const now = Date.now()
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString()
  await run(admin, [
    user('a'),
    token('a', 'sk_expired', { expires_at: at(-1) }),
    token('a', 'sk_hour', { created_at: at(-1800), expires_at: at(1800) }),
    token('a', 'sk_given', { created_at: at(-1800), expires_at: at(60), expires_in: 7200 }),
    token('a', 'sk_forever', { created_at: at(-1800), expires_at: null }),
    token('a', 'sk_rotated', { created_at: at(-1800), expires_at: at(60), expires_in: null }),
    token('a', 'sk_ages', { created_at: '1970-01-01T00:00:00Z', expires_at: '9999-01-01T00:00:00Z' })
  ])
  t.same(await admin.tokens.verify({ token: 'sk_expired' }), { valid: false, code: 'EXPIRED' })
  await t.rejects(admin.tokens.rotate('token-1'), { code: 'VEXA_ADMIN_ERR_TOKEN_EXPIRED' })
  for (const [id, lifetime] of [['token-2', 3600], ['token-3', 7200], ['token-6', 2147483647]] as const) {
    const { created_at: from, expires_at: to } = await admin.tokens.rotate(id)
    t.equal(Date.parse(to as string) - Date.parse(from), lifetime * 1000, id)
  }
  for (const id of ['token-4', 'token-5']) t.equal((await admin.tokens.rotate(id)).expires_at, undefined, id)
})

t.test('import: hashes a value, and keeps it nowhere', async (t) => {
  const place = emptyPlace(t)
  const value = 'sk_0123456789abcdef'
  const admin = await open(t, { storage: storageAt(place), audit: true })
  const heard = hear(t, 'fastify-vexa-admin:token:created')
  const lines = [
    user('a'), { token: { user: 'a', value } }, { token: { user: 'a', value, more: 1 } },
    { token: { user: 'b', value } }
  ]
  const { counts, issues } = await run(admin, textOf(lines))
  t.same(counts, { 'user created': 1, 'token created': 1, 'token rejected': 2 })
  t.match(await admin.tokens.verify({ token: value }), { valid: true })
  const { db, prefix } = backDoor(t, place)
  const rows = await Promise.all(['users', 'tokens', 'audit'].map((table) =>
    db.selectFrom(prefix + table).selectAll().execute()))
  for (const shown of [issues, heard, rows, await exported(admin)]) t.notMatch(JSON.stringify(shown), value)
})

t.test('import: writes an audit entry and an event for each change', async (t) => {
  const admin = await open(t, { audit: true })
  await admin.users.create({ email: 'jane@example.com' })
  const heard = hear(t, ...auditEvents)
  const lines = [
    user('jane', { name: 'J', disabled: false }), token('jane', 'sk_1'), user('b'), token('b', 'sk_2'),
    token('b', 'sk_3')
  ]
  for (let round = 0; round < 2; round++) await run(admin, lines, { onConflict: 'merge', actor: 'mover' })
  const entries = (await admin.audit.list({ order: 'asc' })).slice(1).map(({ id, at, ...entry }) => entry)
  const expected = [
    { action: 'user.created', user_id: 'user-2' },
    { action: 'user.updated', user_id: 'user-1', changed: ['name'] },
    { action: 'token.created', user_id: 'user-1', token_id: 'token-1' },
    { action: 'token.created', user_id: 'user-2', token_id: 'token-2' },
    { action: 'token.created', user_id: 'user-2', token_id: 'token-3' }
  ]
  t.same(entries, expected.map((entry) => ({ ...entry, actor: 'mover' })))
  t.same(heard.map(({ actor, userId, tokenId, changed }) => [actor, userId, tokenId, changed].join()).sort(),
    expected.map((entry) => ['mover', entry.user_id, entry.token_id, entry.changed].join()).sort())
})

t.test('import: reads no more than a batch ahead, and lets other calls run', async (t) => {
  let stored = 0
  const storage = interceptStorage(emptyStorage(t), ({ name, proceed, parameters }) => {
    if (name === 'importUsers') stored += (parameters[0] as { records: unknown[] }).records.length
    return proceed()
  })
  const admin = await open(t, { storage })
  let read = 0
  let furthest = 0
  const lines = function * () {
    for (let n = 0; n < 3000; n++) {
      furthest = Math.max(furthest, ++read - stored)
      yield user(`u${n}`)
    }
  }
  let turns = 0
  const timer = setInterval(() => turns++)
  t.teardown(() => clearInterval(timer))
  const progress: number[] = []
  await run(admin, lines(), { onProgress: ({ users }) => { progress.push(users.created) } })
  t.ok(furthest <= 513, `${furthest} lines`)
  t.ok(turns >= 5, `${turns} turns`)
  t.same(progress, [512, 1024, 1536, 2048, 2560, 3000])
})

t.test('import: writes a batch early when its data is large', async (t) => {
  const sizes: number[] = []
  const storage = interceptStorage(emptyStorage(t), ({ name, proceed, parameters }) => {
    if (name === 'importUsers') sizes.push((parameters[0] as { records: unknown[] }).records.length)
    return proceed()
  })
  const admin = await open(t, { storage, maxDataSize: 400_000 })
  const data = { text: 'x'.repeat(300_000) }
  await run(admin, Array.from({ length: 10 }, (_, n) => user(`u${n}`, { data })))
  t.same(sizes, [4, 4, 2])
})

t.test('import: stops when a signal aborts, and a later run completes it', async (t) => {
  const admin = await open(t)
  const lines = Array.from({ length: 2000 }, (_, n) => user(`u${n}`))
  const controller = new AbortController()
  const reason = new Error('enough')
  let isClosed = false
  const input = (function * () {
    try {
      yield * lines
    } finally {
      isClosed = true
    }
  })()
  await t.rejects(admin.import(input, {
    signal: controller.signal, onProgress: ({ users }) => { if (users.created === 1024) controller.abort(reason) }
  }), reason)
  t.ok(isClosed)
  t.equal((await run(admin, lines)).counts['user created'], 2000 - 1024)
  await t.rejects(admin.import([], { signal: AbortSignal.abort(reason) }), reason)
})

t.test('import: throws the errors of its input, callbacks and storage', async (t) => {
  const error = new Error('on purpose')
  const fail = () => { throw error }
  const admin = await open(t)
  await t.rejects(admin.import((async function * () { yield user('a'); fail() })()), error)
  for (const options of [{ onUser: fail }, { onProgress: fail }, { onIssue: async () => fail() }]) {
    await t.rejects(admin.import([user('a'), {}], options), error, String(Object.keys(options)))
  }
  await t.rejects(admin.import([{ get user () { return fail() } }]), error)
  const storage = faultyStorage(emptyStorage(t), { importUsers: async () => fail() })
  await t.rejects((await open(t, { storage })).import([user('a')]), {
    code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', fault: error
  })
})

t.test('import: merges again when another call changes the user meanwhile', async (t) => {
  let rivals = 2
  const memory = emptyStorage(t)
  const storage = faultyStorage(memory, {
    async updateUser (id, changes, revision, entry) {
      if (rivals-- > 0) await memory.updateUser(id, { data: { rival: rivals } })
      return memory.updateUser(id, changes, revision, entry)
    }
  })
  const admin = await open(t, { storage })
  await admin.users.create({ email: 'jane@example.com' })
  const lines = [user('jane', { data: { mine: true } })]
  t.same((await run(admin, lines, { onConflict: 'merge' })).counts, { 'user updated': 1 })
  t.same((await admin.users.get('user-1')).data, { rival: 0, mine: true })

  rivals = Infinity
  await t.rejects(run(admin, [user('jane', { name: 'x' })], { onConflict: 'merge' }), {
    code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE'
  })
})

t.test('import: rejects a merge whose data would be too large', async (t) => {
  const admin = await open(t, { maxDataSize: 20 })
  await admin.users.create({ email: 'jane@example.com', data: { a: '12345' } })
  const lines = [user('jane', { data: { b: '12345' } }), token('jane', 'sk_1')]
  const { counts, issues } = await run(admin, lines, { onConflict: 'merge' })
  t.same(counts, { 'user rejected': 1, 'token rejected': 1 })
  t.match(issues[0], /\/user\/data The merged data has more than 20 bytes/)
})

t.test('import: rejects the token of a user who is deleted meanwhile', async (t) => {
  const storage = interceptStorage(emptyStorage(t), async ({ name, proceed }) => {
    if (name === 'importTokens') await storage.deleteUser('1')
    return proceed()
  })
  const admin = await open(t, { storage })
  const { counts, issues } = await run(admin, [user('a'), token('a', 'sk_1'), user('b'), token('b', 'sk_2')])
  t.same(counts, { 'user created': 2, 'token created': 1, 'token rejected': 1 })
  t.same(issues, ['2 rejected: /token/user The user has been deleted meanwhile'])
})

t.test('import: copies its lines and options', async (t) => {
  const admin = await open(t)
  const line = user('a', { data: { a: 1 } })
  const lines = function * () {
    yield line
    Object.assign(line.user, { email: 'b@example.com' })
    yield user('c')
  }
  await run(admin, lines())
  t.same((await admin.users.list()).map(({ email }) => email), ['a@example.com', 'c@example.com'])
})

t.test('import: throws when an argument is wrong', async (t) => {
  const admin = await open(t)
  const wrong: Array<[unknown, unknown, RegExp]> = [
    [undefined, {}, /Expected text, or an iterable/],
    [null, {}, /Expected text, or an iterable/],
    [{}, {}, /Expected text, or an iterable/],
    [7, undefined, /Expected text, or an iterable/],
    [[], null, /Expected object/],
    [[], { dryrun: true }, /\/dryrun Unexpected property/],
    [[], { dryRun: 'no' }, /\/dryRun/],
    [[], { onConflict: 'replace' }, /\/onConflict Expected one of skip, merge, fail/],
    [[], { keepIds: 1 }, /\/keepIds/],
    [[], { actor: '' }, /\/actor/],
    [[], { signal: {} }, /\/signal Expected an AbortSignal/],
    [[], { onIssue: 'log' }, /\/onIssue/],
    [[], { onUser: {} }, /\/onUser/],
    [[], { onProgress: true }, /\/onProgress/]
  ]
  for (const [lines, options, message] of wrong) {
    await t.rejects(admin.import(lines as never, options as never), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', message })
  }
})

t.test('import, export: throw a coded error when the storage lacks a method', async (t) => {
  for (const name of portableMethodNames) {
    const admin = await open(t, { storage: faultyStorage(emptyStorage(t), { [name]: undefined }) })
    for (const call of [() => admin.import([]), () => admin.export().next()] as Array<() => Promise<unknown>>) {
      await t.rejects(call, { code: 'VEXA_ADMIN_ERR_NOT_PORTABLE', statusCode: 500, message: /use KyselyStorage/ }, name)
    }
  }
})
