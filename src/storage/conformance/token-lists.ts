import assert from 'node:assert/strict'
import type { StorageAdapter, TokenFilter, TokenPage, TokenRecord } from '../storage-adapter.js'
import type { Cases } from './case.js'
import { createToken, createUser, strangeKeys, time } from './records.js'

async function keysOf (storage: StorageAdapter, page: Partial<TokenPage> = {}): Promise<string[]> {
  const tokens = await storage.listTokens({ order: 'asc', limit: 1000, ...page })
  return tokens.map(({ token }) => token.id)
}

/** Throws unless the filter selects exactly the tokens `expected`: in both orders, in pages, and in the count. */
async function assertSelects (
  storage: StorageAdapter, filter: TokenFilter, expected: readonly TokenRecord[]
): Promise<void> {
  const ids = expected.map(({ id }) => id)
  const assertPage = async (page: Partial<TokenPage>, keys: string[]) =>
    assert.deepEqual(await keysOf(storage, page), keys, `listTokens of ${JSON.stringify(page)}`)
  await assertPage(filter, ids)
  await assertPage({ ...filter, order: 'desc' }, ids.toReversed())
  assert.equal(await storage.countTokens(filter), ids.length, `countTokens of ${JSON.stringify(filter)}`)
  for (let n = 0; n < ids.length; n += 2) {
    await assertPage({ ...filter, after: ids[n - 1], limit: 2 }, ids.slice(n, n + 2))
  }
}

/** Creates a token for each element of `given`. An element has the members of the token that differ from `newToken`. */
async function createTokens (
  storage: StorageAdapter, userId: string, given: ReadonlyArray<Parameters<typeof createToken>[3]>
): Promise<TokenRecord[]> {
  const tokens: TokenRecord[] = []
  for (const changes of given) tokens.push(await createToken(storage, userId, tokens.length, changes))
  return tokens
}

export const tokenLists: Cases = {
  'listTokens: returns tokens of all users, each with three members of its user': async ({ storage }) => {
    const users = [
      await createUser(storage, { email: 'b@x', name: null, data: { a: 1 } }),
      await createUser(storage, { email: 'a@x' })
    ]
    const expected: unknown[] = []
    for (let n = 0; n < 5; n++) {
      const { id, email, name } = users[n % 2] as (typeof users)[number]
      const token = await createToken(storage, id, n, { created_at: time(0), name: `${5 - n}` })
      expected.push({ token, user: { id, email, name } })
    }
    assert.deepEqual(await storage.listTokens({ order: 'asc', limit: 100 }), expected)
    assert.deepEqual(await storage.listTokens({ order: 'desc', limit: 100 }), expected.toReversed())
    assert.equal(await storage.countTokens(), 5)
    assert.equal(await storage.countTokens({}), 5)
  },

  'listTokens: starts after a token, even when that token has been revoked': async ({ storage }) => {
    const { id } = await createUser(storage)
    const tokens = await createTokens(storage, id, [{}, {}, {}, {}, {}])
    const keys = tokens.map(({ id }) => id)
    const after = keys[2] as string
    const assertPages = async () => {
      assert.deepEqual(await keysOf(storage, { after }), [keys[3], keys[4]])
      assert.deepEqual(await keysOf(storage, { after, limit: 1 }), [keys[3]])
      assert.deepEqual(await keysOf(storage, { after, order: 'desc' }), [keys[1], keys[0]])
      assert.deepEqual(await keysOf(storage, { after, order: 'desc', limit: 1 }), [keys[1]])
    }
    await assertPages()
    await storage.revokeToken(after)
    await assertPages()
    assert.deepEqual(await keysOf(storage, { after: keys[4] }), [])
    assert.deepEqual(await keysOf(storage, { after: keys[0], order: 'desc' }), [])
    for (const key of strangeKeys(after)) {
      const page = await storage.listTokens({ order: 'asc', after: key, limit: 10 })
      assert.ok(Array.isArray(page), `listTokens after ${key}`)
    }
  },

  'listTokens: keeps the order when keys get more digits': async ({ storage }) => {
    const { id } = await createUser(storage)
    const tokens = await createTokens(storage, id, Array.from({ length: 105 }, () => ({})))
    assert.deepEqual(await keysOf(storage), tokens.map(({ id }) => id))
    const visited: string[] = []
    for (let page = 0; page < 30; page++) visited.push(...await keysOf(storage, { after: visited.at(-1), limit: 4 }))
    assert.deepEqual(visited, tokens.map(({ id }) => id))
  },

  'listTokens, countTokens: userId selects the tokens of one user': async ({ storage }) => {
    const one = await createUser(storage, { email: '1@x' })
    const two = await createUser(storage, { email: '2@x' })
    const tokens: TokenRecord[] = []
    for (let n = 0; n < 7; n++) tokens.push(await createToken(storage, (n % 3 === 0 ? two : one).id, n))
    const of = (userId: string) => tokens.filter((token) => token.user_id === userId)
    await assertSelects(storage, { userId: one.id }, of(one.id))
    await assertSelects(storage, { userId: two.id }, of(two.id))
    for (const userId of strangeKeys(one.id)) await assertSelects(storage, { userId }, [])
    await storage.deleteUser(two.id)
    await assertSelects(storage, { userId: two.id }, [])
    await assertSelects(storage, {}, of(one.id))
  },

  'listTokens, countTokens: search matches any part of the normalised name': async ({ storage }) => {
    const { id } = await createUser(storage, { email: 'found@x', name: 'Found' })
    const names = [
      'CI', 'ci deploy', null, '100%', 'a_b', 'a\\b', 'ZO\u00CB Jose\u0301', '\u039A\u03A9\u03A3', '\u{1F511}', 'a*b',
      "it's"
    ]
    const tokens = await createTokens(storage, id, names.map((name) => ({ name })))
    const found: Array<[search: string, numbers: number[]]> = [
      ['ci', [0, 1]], ['i d', [1]], ['found', []], ['null', []], ['%', [3]], ['0%', [3]], ['a%b', []], ['_', [4]],
      ['a_b', [4]], ['\\', [5]], ['zo\u00EB', [6]], ['jos\u00E9', [6]], ['jose', []], ['\u03BA\u03C9\u03C3', [7]],
      ['\u{1F511}', [8]], ['\u{1F512}', []], ['*', [9]], ["'", [10]], ["''", []]
    ]
    for (const [search, numbers] of found) {
      await assertSelects(storage, { search }, numbers.map((n) => tokens[n] as TokenRecord))
    }
    await storage.updateToken((tokens[0] as TokenRecord).id, () => ({ name: '\u00C9va' }))
    assert.deepEqual(await keysOf(storage, { search: 'ci' }), [tokens[1]?.id], 'search for a name that was updated')
    assert.deepEqual(await keysOf(storage, { search: '\u00E9v' }), [tokens[0]?.id], 'search for a name after an update')
    await storage.updateToken((tokens[0] as TokenRecord).id, () => ({ name: null }))
    assert.deepEqual(await keysOf(storage, { search: '\u00E9v' }), [], 'search for a name that became null')
  },

  'listTokens, countTokens: start selects by first characters, byte by byte': async ({ storage }) => {
    const { id } = await createUser(storage)
    const starts = [
      'vex_A1', 'vex_a1', 'vexXa1', 'vex%a1', 'vex`a1', 'vex\\a1', 'VEX_a1', 'vex', null, 'v', '[v]', 'x-vex_a1',
      `${'z'.repeat(63)}~`, '~'
    ]
    const tokens = await createTokens(storage, id, starts.map((start) => ({ start })))
    for (const start of [
      'v', 'vex', 'vex_', 'vex_a', 'vex_A', 'vex_A1', 'vex_A12', 'vex%', 'vex`', 'vex\\', 'vexX', 'vexx', 'VEX', 'Vex',
      'vex ', ' vex', '%', '_', '[', '[v', '.', '^v', '~', '~~', 'z', 'z'.repeat(63), `${'z'.repeat(63)}~`,
      'z'.repeat(64), 'null'
    ]) {
      await assertSelects(storage, { start }, tokens.filter((_token, n) => starts[n]?.startsWith(start)))
    }
  },

  'listTokens, countTokens: state selects tokens by their state at a time': async ({ storage }) => {
    const { id } = await createUser(storage)
    const tokens = await createTokens(storage, id, [
      {},
      { disabled: true },
      { expires_at: '2024-01-01T12:30:00.122Z' },
      { expires_at: '2024-01-01T12:30:00.123Z' },
      { expires_at: '2024-01-01T12:30:00.124Z' },
      { expires_at: '2024-01-01T12:30:00.122Z', disabled: true },
      { expires_at: '2024-01-01T12:30:00.123Z', disabled: true },
      { expires_at: '2024-01-01T12:30:00.124Z', disabled: true },
      {}
    ])
    await storage.updateToken((tokens[8] as TokenRecord).id, () => ({ disabled: true, expires_at: time(40) }))
    const states = { active: [0, 4], disabled: [1, 7, 8], expired: [2, 3, 5, 6] }
    for (const is of ['active', 'disabled', 'expired'] as const) {
      const expected = states[is].map((n) => tokens[n] as TokenRecord)
      await assertSelects(storage, { state: { is, at: '2024-01-01T12:30:00.123Z' } }, expected)
    }
    await assertSelects(storage, { state: { is: 'expired', at: time(0) } }, [])
  },

  'listTokens, countTokens: unusedSince selects by the last use or the creation': async ({ storage }) => {
    const { id } = await createUser(storage)
    const tokens = await createTokens(storage, id, [
      { created_at: '2024-01-01T12:30:00.122Z' },
      { created_at: '2024-01-01T12:30:00.123Z' },
      { created_at: time(0) },
      { created_at: time(0) },
      { created_at: time(0) }
    ])
    const uses = [[2, '2024-01-01T12:30:00.122Z'], [3, '2024-01-01T12:30:00.123Z'], [4, time(45)]] as const
    for (const [n, used] of uses) await storage.touchTokens([(tokens[n] as TokenRecord).id], used)
    await assertSelects(storage, { unusedSince: '2024-01-01T12:30:00.123Z' }, [tokens[0], tokens[2]] as TokenRecord[])
    await assertSelects(storage, { unusedSince: time(59) }, tokens)
    await assertSelects(storage, { unusedSince: time(0) }, [])
  },

  'listTokens, countTokens: expiresBefore leaves out tokens that never expire': async ({ storage }) => {
    const { id } = await createUser(storage)
    const tokens = await createTokens(storage, id, [
      {},
      { expires_at: '2024-01-01T12:30:00.122Z', disabled: true },
      { expires_at: '2024-01-01T12:30:00.123Z' },
      { expires_at: time(1) }
    ])
    await assertSelects(storage, { expiresBefore: '2024-01-01T12:30:00.123Z' }, [tokens[1], tokens[3]] as TokenRecord[])
    await assertSelects(storage, { expiresBefore: time(59) }, tokens.slice(1))
    await assertSelects(storage, { expiresBefore: time(1) }, [])
  },

  'listTokens, countTokens: a token must match each filter that is given': async ({ storage }) => {
    const users = [await createUser(storage, { email: '1@x' }), await createUser(storage, { email: '2@x' })]
    const tokens: TokenRecord[] = []
    for (let n = 0; n < 24; n++) {
      tokens.push(await createToken(storage, (users[n % 2] as { id: string }).id, n, {
        name: n % 3 === 0 ? null : 'CI',
        start: n % 4 === 0 ? 'vex_b' : 'vex_a',
        expires_at: n % 5 === 0 ? null : time(n < 12 ? 20 : 40),
        disabled: n % 7 === 0,
        created_at: time(n)
      }))
    }
    const filters: Array<[filter: TokenFilter, matches: (n: number) => boolean]> = [
      [{ userId: users[0]?.id }, (n) => n % 2 === 0],
      [{ search: 'ci' }, (n) => n % 3 !== 0],
      [{ start: 'vex_a' }, (n) => n % 4 !== 0],
      [{ expiresBefore: time(50) }, (n) => n % 5 !== 0],
      [{ unusedSince: time(20) }, (n) => n < 20],
      [{ state: { is: 'active', at: time(30) } }, (n) => (n % 5 === 0 || n >= 12) && n % 7 !== 0]
    ]
    // `set` goes through all combinations of filters: each binary digit tells whether one filter is part of the
    // combination.
    for (let set = 0; set < 2 ** filters.length; set++) {
      const chosen = filters.filter((_filter, n) => (set >> n) % 2 === 1)
      const filter: TokenFilter = Object.assign({}, ...chosen.map(([filter]) => filter))
      await assertSelects(storage, filter, tokens.filter((_token, n) => chosen.every(([, matches]) => matches(n))))
    }
    const all = { userId: undefined, search: undefined, start: undefined, state: undefined, unusedSince: undefined }
    assert.equal(await storage.countTokens({ ...all, expiresBefore: undefined }), 24)
  }
}
