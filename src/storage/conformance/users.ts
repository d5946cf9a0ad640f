import assert from 'node:assert/strict'
import type { Cases } from './case.js'
import { assertNothing, emails, hashOf, createToken, createUser, newUser, strangeKeys, time } from './records.js'

const data = { plan: 'pro', tags: ['a', 1, -0.5, true, null, { b: {} }], '': '' }

export const users: Cases = {
  'createUser: stores each member, and every look-up returns the same record': async ({ storage }) => {
    for (const given of [
      newUser(),
      newUser({ email: 'other@example.com', name: null, data, max_concurrent_bots: 2147483647, created_at: time(59) })
    ]) {
      const user = await storage.createUser(given)
      if (user === 'taken') assert.fail("createUser returned 'taken' for a free address")
      assert.deepEqual(user, { ...given, id: user.id, disabled: false, revision: user.revision })
      assert.match(user.id, /^[\w-]{1,64}$/)
      assert.equal(typeof user.revision, 'number')
      assert.deepEqual(await storage.findUser(user.id), user)
      assert.deepEqual(await storage.findUserByEmail(given.email), user)
      assert.deepEqual((await storage.listUsers({ order: 'desc', skip: 0, limit: 1 }))[0], user)
    }
  },

  "createUser: returns 'taken' and changes nothing when the address is taken": async ({ storage }) => {
    const user = await createUser(storage)
    assert.equal(await storage.createUser(newUser({ name: 'Somebody Else' })), 'taken')
    assert.deepEqual(await storage.listUsers({ order: 'asc', skip: 0, limit: 10 }), [user])
  },

  'createUser: accepts an address after its user is deleted or has another': async ({ storage }) => {
    const first = await createUser(storage, { email: 'a@x' })
    await storage.deleteUser(first.id)
    const second = await createUser(storage, { email: 'a@x' })
    await storage.updateUser(second.id, { email: 'b@x' })
    await createUser(storage, { email: 'a@x' })
    assertNothing(await storage.findUser(first.id), 'the first user is deleted')
  },

  'createUser, createToken: never reuse a key, even after a deletion': async ({ storage }) => {
    const userKeys = new Set<string>()
    const tokenKeys = new Set<string>()
    for (let n = 1; n <= 4; n++) {
      const user = await createUser(storage)
      userKeys.add(user.id)
      for (let m = 1; m <= 2; m++) {
        const token = await createToken(storage, user.id, m)
        tokenKeys.add(token.id)
        await storage.revokeToken(token.id)
      }
      await storage.deleteUser(user.id)
    }
    assert.equal(userKeys.size, 4, 'number of keys of four users')
    assert.equal(tokenKeys.size, 8, 'number of keys of eight tokens')
  },

  'findUser, updateUser, deleteUser: find nothing when the key was never used': async ({ storage }) => {
    const user = await createUser(storage)
    await createToken(storage, user.id, 1)
    for (const key of strangeKeys(user.id)) {
      assertNothing(await storage.findUser(key), `findUser of ${key}`)
      assert.equal(await storage.updateUser(key, { name: 'x' }), 'absent', `updateUser of ${key}`)
      assert.equal(await storage.deleteUser(key), false, `deleteUser of ${key}`)
      for (const order of ['asc', 'desc'] as const) {
        assert.ok(
          Array.isArray(await storage.listUsers({ order, after: key, skip: 0, limit: 10 })),
          `listUsers after ${key}`
        )
      }
    }
    assertNothing(await storage.findUserByEmail('nobody@example.com'), 'findUserByEmail of nobody')
    assert.deepEqual(await storage.findUser(user.id), user)
  },

  'listUsers: returns users in order of creation, or in reverse': async ({ storage }) => {
    for (const email of ['c@x', 'a@x', 'd@x', 'b@x']) await createUser(storage, { email, created_at: time(0) })
    assert.deepEqual(await emails(storage), ['c@x', 'a@x', 'd@x', 'b@x'])
    assert.deepEqual(await emails(storage, { order: 'desc' }), ['b@x', 'd@x', 'a@x', 'c@x'])
  },

  'listUsers: applies skip and limit': async ({ storage }) => {
    for (const email of ['1@x', '2@x', '3@x', '4@x']) await createUser(storage, { email })
    assert.deepEqual(await emails(storage, { limit: 2 }), ['1@x', '2@x'])
    assert.deepEqual(await emails(storage, { skip: 1, limit: 2 }), ['2@x', '3@x'])
    assert.deepEqual(await emails(storage, { order: 'desc', skip: 3, limit: 2 }), ['1@x'])
    assert.deepEqual(await emails(storage, { skip: 4 }), [])
    assert.deepEqual(await emails(storage, { skip: Number.MAX_SAFE_INTEGER }), [])
  },

  'listUsers: starts after a user, even when that user is deleted': async ({ storage }) => {
    const keys: Record<string, string> = {}
    for (const email of ['1@x', '2@x', '3@x', '4@x', '5@x']) keys[email] = (await createUser(storage, { email })).id
    const after = keys['3@x'] as string
    assert.deepEqual(await emails(storage, { after }), ['4@x', '5@x'])
    assert.deepEqual(await emails(storage, { after, order: 'desc' }), ['2@x', '1@x'])
    await storage.deleteUser(after)
    assert.deepEqual(await emails(storage, { after }), ['4@x', '5@x'])
    assert.deepEqual(await emails(storage, { after, order: 'desc' }), ['2@x', '1@x'])
    assert.deepEqual(await emails(storage, { after, skip: 1, limit: 1 }), ['5@x'])
    assert.deepEqual(await emails(storage, { after: keys['5@x'] as string }), [])
  },

  'listUsers: keeps the order when keys get more digits': async ({ storage }) => {
    const expected: string[] = []
    for (let n = 1; n <= 105; n++) expected.push((await createUser(storage, { email: `${n}@x` })).email)
    const visited: string[] = []
    let after: string | undefined
    for (let page = 0; page < 30; page++) {
      const users = await storage.listUsers({
        order: 'asc',
        skip: 0,
        limit: 4,
        ...(after !== undefined && { after })
      })
      visited.push(...users.map(({ email }) => email))
      after = users.at(-1)?.id ?? after
    }
    assert.deepEqual(visited, expected)
  },

  'updateUser: leaves the user in its place in the list': async ({ storage }) => {
    const first = await createUser(storage, { email: '1@x' })
    await createUser(storage, { email: '2@x' })
    await storage.updateUser(first.id, { email: '9@x', name: 'Z', disabled: true })
    assert.deepEqual(await emails(storage), ['9@x', '2@x'])
  },

  'listUsers, countUsers: search matches any part of the address or the name': async ({ storage }) => {
    await createUser(storage, { email: 'jane@one.example', name: 'Jane Roe' })
    await createUser(storage, { email: 'john@two.example', name: null })
    await createUser(storage, { email: 'third@one.example', name: 'Mary-Jane' })
    const found: Record<string, string[]> = {
      jane: ['jane@one.example', 'third@one.example'],
      'ne@one': ['jane@one.example'],
      'e r': ['jane@one.example'],
      'two.example': ['john@two.example'],
      nobody: [],
      null: []
    }
    for (const [search, expected] of Object.entries(found)) {
      assert.deepEqual(await emails(storage, { search }), expected, `search for ${search}`)
      assert.equal(await storage.countUsers(search), expected.length, `countUsers of ${search}`)
    }
    assert.equal(await storage.countUsers(), 3)
    assert.deepEqual(await emails(storage, { search: 'one', order: 'desc', skip: 1, limit: 1 }), ['jane@one.example'])
  },

  'listUsers: search works with after, skip, limit and either order': async ({ storage }) => {
    const keys: string[] = []
    for (let n = 0; n < 12; n++) {
      keys.push((await createUser(storage, { email: `${n % 3 === 0 ? 'other' : 'found'}${n}@x` })).id)
    }
    const all = [1, 2, 4, 5, 7, 8, 10, 11]
    for (const order of ['asc', 'desc'] as const) {
      for (const after of [undefined, 4, 6]) {
        for (const [skip, limit] of [
          [0, 100],
          [0, 2],
          [1, 1],
          [2, 3]
        ] as const) {
          const rest = (order === 'asc' ? all : all.toReversed()).filter(
            (n) => after === undefined || (order === 'asc' ? n > after : n < after)
          )
          const expected = rest.slice(skip, skip + limit).map((n) => `found${n}@x`)
          const page = {
            order,
            skip,
            limit,
            search: 'found',
            ...(after !== undefined && { after: keys[after] as string })
          }
          assert.deepEqual(
            await emails(storage, page),
            expected,
            `order ${order}, after number ${after}, skip ${skip}, limit ${limit}`
          )
        }
      }
    }
  },

  'listUsers: search matches the normalizeForSearch form, also after an update': async ({ storage }) => {
    const { id } = await createUser(storage, { email: 'a@x', name: 'ZO\u00CB \u0130\u03A3 Jose\u0301' })
    for (const search of ['zo\u00EB', 'jos\u00E9']) {
      assert.deepEqual(await emails(storage, { search }), ['a@x'], `search for ${search}`)
    }
    await storage.updateUser(id, { name: '\u00C9va' })
    assert.deepEqual(await emails(storage, { search: 'zo\u00EB' }), [])
    assert.deepEqual(await emails(storage, { search: '\u00E9v' }), ['a@x'])
    await storage.updateUser(id, { name: null })
    assert.deepEqual(await emails(storage, { search: '\u00E9v' }), [])
  },

  'listUsers: search treats both small sigmas as one, in addresses and names': async ({ storage }) => {
    await createUser(storage, { email: '\u03BD\u03AF\u03BA\u03BF\u03C2@\u03BA\u03CE\u03C2', name: null })
    await createUser(storage, { email: 'b@x', name: '\u039A\u03A9\u03A3 \u039A\u03A9\u03A3\u03A4\u0391\u03A3' })
    assert.deepEqual(
      await emails(storage, { search: '\u03BA\u03BF\u03C3@\u03BA\u03CE\u03C3' }),
      ['\u03BD\u03AF\u03BA\u03BF\u03C2@\u03BA\u03CE\u03C2'],
      'an address'
    )
    for (const search of ['\u03BA\u03C9\u03C3 \u03BA', '\u03BA\u03C9\u03C3\u03C4\u03B1\u03C3']) {
      assert.deepEqual(await emails(storage, { search }), ['b@x'], `search for ${search}`)
    }
  },

  'updateUser: sets the given members only, and a new revision': async ({ storage }) => {
    let expected = await createUser(storage, { data })
    const changes = [
      { name: 'Jane' },
      { email: 'jane@x' },
      { email: 'jane@x' },
      { max_concurrent_bots: 0 },
      { disabled: true },
      { data: { other: [] } },
      {},
      { name: undefined, disabled: undefined, data: undefined, email: undefined, max_concurrent_bots: undefined },
      { name: null, data: null, disabled: false }
    ]
    for (const change of changes) {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      const updated = await storage.updateUser(expected.id, change)
      if (typeof updated === 'string') assert.fail(`updateUser returned '${updated}'`)
      assert.notEqual(updated.revision, expected.revision, 'the revision is another after each change')
      expected = { ...expected, ...given, revision: updated.revision }
      assert.deepEqual(updated, expected)
      assert.deepEqual(await storage.findUser(expected.id), expected)
    }
  },

  "updateUser: returns 'taken' and changes nothing when the address is taken": async ({ storage }) => {
    const user = await createUser(storage, { email: 'a@x' })
    await createUser(storage, { email: 'b@x' })
    assert.equal(await storage.updateUser(user.id, { name: 'New', disabled: true, email: 'b@x' }), 'taken')
    assert.deepEqual(await storage.findUser(user.id), user)
  },

  "updateUser: returns 'absent' and changes nothing when the revision is stale": async ({ storage }) => {
    const user = await createUser(storage)
    const updated = await storage.updateUser(user.id, { name: 'First' }, user.revision)
    if (typeof updated === 'string') assert.fail(`updateUser returned '${updated}' for the current revision`)
    assert.equal(await storage.updateUser(user.id, { name: 'Second' }, user.revision), 'absent')
    assert.deepEqual(await storage.findUser(user.id), updated)
  },

  'deleteUser: deletes the user with its tokens once, and no other user': async ({ storage }) => {
    const user = await createUser(storage, { email: 'a@x' })
    const other = await createUser(storage, { email: 'b@x' })
    await createToken(storage, user.id, 1)
    await createToken(storage, user.id, 2)
    const token = await createToken(storage, other.id, 3)
    assert.equal(await storage.deleteUser(user.id), true)
    assert.equal(await storage.deleteUser(user.id), false)
    assertNothing(await storage.findUser(user.id), 'findUser of a deleted user')
    assertNothing(await storage.findUserByEmail('a@x'), 'findUserByEmail of a deleted user')
    assert.deepEqual(await storage.listTokens(user.id), [])
    for (const n of [1, 2]) {
      assertNothing(await storage.findTokenByHash(hashOf(n)), 'findTokenByHash of a token of a deleted user')
    }
    assert.deepEqual(await storage.findTokenByHash(hashOf(3)), { token, user: other })
    assert.deepEqual(await emails(storage), ['b@x'])
  },

  'createUser, findUser: store no change that a caller makes to a record': async ({ storage }) => {
    const given = newUser({ data: { list: [1] } })
    const user = await storage.createUser(given)
    if (user === 'taken') assert.fail("createUser returned 'taken' for a free address")
    const expected = structuredClone(user)
    Object.assign(given.data as object, { list: 'changed' })
    Object.assign(user.data as object, { list: 'changed' })
    user.email = 'changed@x'
    const found = await storage.findUser(expected.id)
    assert.deepEqual(found, expected)
    Object.assign(found?.data as object, { list: 'changed' })
    assert.deepEqual(await storage.findUser(expected.id), expected)
  }
}
