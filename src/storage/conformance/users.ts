import assert from 'node:assert/strict'
import type { Cases } from './case.js'
import {
  assertNothing, emails, hashOf, createToken, createUser, newUser, strangeKeys, time, tokensOf
} from './records.js'

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
      assert.notEqual(updated.revision, expected.revision, 'the revision changes with each update')
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
    assert.deepEqual(await tokensOf(storage, user.id), [])
    for (const n of [1, 2]) {
      assertNothing(await storage.findTokenByHash(hashOf(n)), 'findTokenByHash of a token of a deleted user')
    }
    assert.deepEqual(await storage.findTokenByHash(hashOf(3)), { token, user: other })
    assert.deepEqual(await emails(storage), ['b@x'])
  },

  'deleteUser: returns false and changes nothing when the revision is stale': async ({ storage }) => {
    const { id, revision } = await createUser(storage)
    const token = await createToken(storage, id, 1)
    const user = await storage.updateUser(id, { name: 'New' })
    if (typeof user === 'string') assert.fail(`updateUser returned '${user}'`)
    assert.equal(await storage.deleteUser(id, revision), false)
    assert.deepEqual(await storage.findUser(id), user)
    assert.deepEqual(await tokensOf(storage, id), [token])
    assert.deepEqual(await storage.findTokenByHash(hashOf(1)), { token, user })
    assert.equal(await storage.deleteUser(id, user.revision), true, 'deleteUser with the current revision')
    assert.equal(await storage.deleteUser(id, user.revision), false, 'deleteUser of a deleted user')
    assertNothing(await storage.findUser(id), 'findUser of a deleted user')
    assertNothing(await storage.findTokenByHash(hashOf(1)), 'findTokenByHash of a token of a deleted user')
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
