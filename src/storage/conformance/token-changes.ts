import assert from 'node:assert/strict'
import type { StorageAdapter, TokenRecord, TokenReplacement } from '../storage-adapter.js'
import type { Cases } from './case.js'
import {
  assertNothing, attempt, createToken, createUser, hashOf, newToken, strangeKeys, time, tokensOf
} from './records.js'

const data = { plan: 'pro', tags: ['a', 1, -0.5, true, null, { b: {} }], '': '' }

/** Updates a token. Throws if the storage returns an outcome. */
async function update (storage: StorageAdapter, ...parameters: Parameters<StorageAdapter['updateToken']>) {
  const token = await storage.updateToken(...parameters)
  return typeof token === 'string' ? assert.fail(`updateToken returned '${token}'`) : token
}

/**
 * Rotates a token. The old token then expires at `expires`, or is deleted if `expires` is `null`. Throws if the storage
 * returns an outcome.
 */
async function rotate (storage: StorageAdapter, old: TokenRecord, n: number, expires: string | null) {
  const token = await storage.rotateToken(old.id, () =>
    ({ expires_at: expires, successor: newToken(old.user_id, n) }))
  return typeof token === 'string' ? assert.fail(`rotateToken returned '${token}'`) : token
}

/** Returns the successor that the storage passes to `replace`. Changes nothing. */
async function successorOf (storage: StorageAdapter, { id }: TokenRecord): Promise<TokenRecord | undefined> {
  let seen: [TokenRecord, TokenRecord?] | undefined
  const replace = (...records: [TokenRecord, TokenRecord?]): TokenReplacement | 'rejected' => {
    seen = records
    return 'rejected'
  }
  assert.equal(await storage.rotateToken(id, replace), 'rejected')
  return seen?.[1] ?? undefined
}

export const tokenChanges: Cases = {
  'updateToken: sets the given members only': async ({ storage }) => {
    const user = await createUser(storage)
    let expected = await createToken(storage, user.id, 1, { data, start: 'vex_a1b2', scopes: ['a'] })
    const other = await createToken(storage, user.id, 2)
    const changes = [
      { name: 'CI' },
      { scopes: ['b', 'c'] },
      { scopes: [] },
      { expires_at: time(30), expires_in: 2147483647 },
      { expires_at: time(40) },
      { expires_in: 60 },
      { disabled: true },
      { data: { other: [] } },
      {},
      {
        name: undefined,
        scopes: undefined,
        expires_at: undefined,
        expires_in: undefined,
        disabled: undefined,
        data: undefined
      },
      { name: null, scopes: null, expires_at: null, expires_in: null, disabled: false, data: null },
      { name: 'All', scopes: ['d'], expires_at: time(50), expires_in: 1, disabled: true, data }
    ]
    for (const change of changes) {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      const updated = await update(storage, expected.id, (current) => {
        assert.deepEqual(current, expected, 'the token that `change` gets')
        return change
      })
      expected = { ...expected, ...given }
      assert.deepEqual(updated, expected)
      assert.deepEqual(await storage.findTokenByHash(hashOf(1)), { token: expected, user })
    }
    assert.deepEqual(await tokensOf(storage, user.id), [expected, other])
  },

  'updateToken: leaves the token in its place, and last_used_at as it is': async ({ storage }) => {
    const { id } = await createUser(storage)
    const token = await createToken(storage, id, 1)
    const other = await createToken(storage, id, 2)
    await storage.touchTokens([token.id], time(5))
    await update(storage, token.id, () => ({ name: 'Z', expires_at: time(59), disabled: true }))
    const expected = { ...token, name: 'Z', expires_at: time(59), disabled: true, last_used_at: time(5) }
    assert.deepEqual(await tokensOf(storage, id), [expected, other])
  },

  'updateToken: changes nothing when change rejects or throws': async ({ storage }) => {
    const { id } = await createUser(storage)
    const token = await createToken(storage, id, 1, { data })
    assert.equal(await storage.updateToken(token.id, () => 'rejected'), 'rejected')
    const error = new Error('on purpose')
    const thrown = await attempt(() => storage.updateToken(token.id, () => { throw error })).catch((thrown) => thrown)
    assert.equal(thrown, error, 'updateToken must throw the error that `change` throws')
    assert.deepEqual((await storage.findTokenByHash(hashOf(1)))?.token, token)
  },

  "updateToken: returns 'absent' when the token was never created or has ended": async ({ storage }) => {
    const { id } = await createUser(storage)
    const token = await createToken(storage, id, 1)
    const revoked = await createToken(storage, id, 2)
    await storage.revokeToken(revoked.id)
    const rotated = await createToken(storage, id, 3)
    await rotate(storage, rotated, 4, null)
    for (const key of [...strangeKeys(token.id), revoked.id, rotated.id]) {
      const change = () => assert.fail('change was called for an absent token')
      assert.equal(await storage.updateToken(key, change), 'absent', `updateToken of ${key}`)
    }
    for (const n of [2, 3]) assertNothing(await storage.findTokenByHash(hashOf(n)), 'a token was found after its end')
  },

  'updateToken, findToken: store no change that a caller makes to a record': async ({ storage }) => {
    const { id } = await createUser(storage)
    const given = newToken(id, 1, { scopes: ['a'], data: { list: [1] } })
    const token = await storage.createToken(given)
    if (token === 'absent') assert.fail("createToken returned 'absent' for an existing user")
    const expected = structuredClone(token)
    const spoil = (record: Pick<TokenRecord, 'scopes' | 'data' | 'name'>) => {
      record.scopes?.push('changed')
      Object.assign(record.data as object, { list: 'changed' })
      record.name = 'changed'
    }
    const isUnchanged = async (what: string) => {
      assert.deepEqual((await storage.findToken(expected.id))?.token, expected, `after a change of ${what}`)
    }
    spoil(given)
    spoil(token)
    await isUnchanged('the record of createToken')
    spoil((await storage.findToken(expected.id))?.token as TokenRecord)
    spoil((await tokensOf(storage, id))[0] ?? assert.fail('listTokens returns no token'))
    await isUnchanged('a record that was found')
    const change = structuredClone({ scopes: expected.scopes, data: expected.data, name: null })
    spoil(await update(storage, expected.id, (current) => {
      spoil(current)
      return change
    }))
    spoil(change)
    await isUnchanged('a record of updateToken')
  },

  'rotateToken: passes the latest successor to replace, as it is now': async ({ storage }) => {
    const { id } = await createUser(storage)
    const old = await createToken(storage, id, 1)
    assertNothing(await successorOf(storage, old), 'the successor of a token that was never rotated')
    const first = await rotate(storage, old, 2, time(50))
    assert.deepEqual(await successorOf(storage, old), first)
    assertNothing(await successorOf(storage, first), 'the successor of a successor that was never rotated')

    // Neither a disabled nor an expired token has ended.
    await storage.touchTokens([first.id], time(3))
    const changes = { name: 'New', disabled: true, expires_at: time(1), data }
    const updated = await update(storage, first.id, () => changes)
    assert.deepEqual(updated, { ...first, ...changes, last_used_at: time(3) })
    assert.deepEqual(await successorOf(storage, old), updated)

    await update(storage, old.id, () => ({ name: 'Old', expires_at: null }))
    assert.deepEqual(await successorOf(storage, old), updated, 'the successor after an update of the old token')
    const second = await rotate(storage, old, 3, time(50))
    assert.deepEqual(await successorOf(storage, old), second, 'the successor after two rotations')
  },

  'rotateToken: passes no successor to replace when the latest one has ended': async ({ storage }) => {
    const { id } = await createUser(storage)
    const old = await createToken(storage, id, 1)
    await rotate(storage, old, 2, time(50))
    const second = await rotate(storage, old, 3, time(50))
    await storage.revokeToken(second.id)
    assertNothing(await successorOf(storage, old), 'a successor that was revoked')
    const third = await rotate(storage, old, 4, time(50))
    const next = await rotate(storage, third, 5, null)
    assertNothing(await successorOf(storage, old), 'a successor that a rotation deleted')
    assertNothing(await successorOf(storage, next), 'the successor of a successor that was never rotated')
    const other = await createToken(storage, id, 6)
    assertNothing(await successorOf(storage, other), 'the successor of another token')
  },

  'pruneTokens: deletes the tokens that expired before a time, and no other': async ({ storage }) => {
    const user = await createUser(storage)
    const other = await createUser(storage, { email: 'other@x' })
    const at = '2024-01-01T12:30:00.123Z'
    const kept = [
      await createToken(storage, user.id, 1),
      await createToken(storage, user.id, 2, { expires_at: at }),
      await createToken(storage, user.id, 3, { expires_at: time(40), disabled: true })
    ]
    const pruned = [
      await createToken(storage, user.id, 4, { expires_at: '2024-01-01T12:30:00.122Z' }),
      await createToken(storage, other.id, 5, { expires_at: time(2), disabled: true })
    ]
    const rotated = await createToken(storage, user.id, 6)
    const successor = await rotate(storage, rotated, 7, time(1))
    const { deleted } = await storage.pruneTokens({ expiredBefore: at, limit: 100 })
    assert.equal(deleted, 3, 'number of deleted tokens')
    for (const { id } of [...pruned, rotated]) {
      assertNothing(await storage.findToken(id), 'findToken of a deleted token')
      assert.equal(await storage.revokeToken(id), false, 'revokeToken of a deleted token')
    }
    for (const n of [4, 5, 6]) assertNothing(await storage.findTokenByHash(hashOf(n)), 'a deleted token was found')
    assert.deepEqual(await tokensOf(storage, user.id), [...kept, successor])
    assert.equal(await storage.countTokens(), 4)
    assert.deepEqual(await storage.findUser(other.id), other)
  },

  'pruneTokens: works in batches, in order of creation, after a key': async ({ storage }) => {
    const { id } = await createUser(storage)
    const expired: string[] = []
    for (let n = 0; n < 12; n++) {
      const isExpired = n % 3 !== 0
      // The later a token was created, the sooner it expires.
      const token = await createToken(storage, id, n, { expires_at: isExpired ? time(20 - n) : time(40) })
      if (isExpired) expired.push(token.id)
    }
    const prune = async (after: string | undefined, limit: number) =>
      ({ ...await storage.pruneTokens({ expiredBefore: time(30), after, limit }) })
    const remaining = async () => {
      const left = await storage.listTokens({ order: 'asc', limit: 100, expiresBefore: time(30) })
      return left.map(({ token }) => token.id)
    }

    // The first three expired tokens stay, because they are not after the key `after`.
    assert.deepEqual(await prune(expired[2], 3), { deleted: 3, last: expired[5] })
    assert.deepEqual(await remaining(), [0, 1, 2, 6, 7].map((n) => expired[n]))
    // The token with the key `after` has been deleted.
    assert.deepEqual(await prune(expired[5], 3), { deleted: 2, last: expired[7] })
    assert.deepEqual(await prune(undefined, 2), { deleted: 2, last: expired[1] })
    assert.deepEqual(await prune(expired[1], 2), { deleted: 1, last: expired[2] })
    assert.deepEqual(await remaining(), [])
    assert.equal(await storage.countTokens(), 4)
  },

  'pruneTokens: returns no last key when no such token is left': async ({ storage }) => {
    const assertDone = async (batch: Parameters<StorageAdapter['pruneTokens']>[0]) => {
      const { deleted, last } = await storage.pruneTokens(batch)
      assert.equal(deleted, 0, `number of deleted tokens: ${JSON.stringify(batch)}`)
      assertNothing(last, `last, after all tokens: ${JSON.stringify(batch)}`)
    }
    await assertDone({ expiredBefore: time(30), limit: 10 })
    const { id } = await createUser(storage)
    await createToken(storage, id, 1)
    await createToken(storage, id, 2, { expires_at: time(30) })
    await assertDone({ expiredBefore: time(30), limit: 10 })
    const expired = await createToken(storage, id, 3, { expires_at: time(20) })
    await assertDone({ expiredBefore: time(30), after: expired.id, limit: 10 })
    const { deleted, last } = await storage.pruneTokens({ expiredBefore: time(30), limit: 10 })
    assert.deepEqual({ deleted, last }, { deleted: 1, last: expired.id })
    await assertDone({ expiredBefore: time(30), after: last, limit: 10 })
  }
}
