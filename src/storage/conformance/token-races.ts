import assert from 'node:assert/strict'
import type { StorageAdapter, TokenRecord } from '../storage-adapter.js'
import type { Cases } from './case.js'
import { assertNothing, createToken, createUser, hashOf, newToken, time, tokensOf } from './records.js'

const rounds = 5
const graceEnd = time(50)

/**
 * Updates one token 20 times at once: ten times with `one`, and ten times with `other`. Throws unless each change is
 * kept.
 */
export async function assertNoLostUpdate (one: StorageAdapter, other: StorageAdapter): Promise<void> {
  const user = await createUser(one)
  const { id } = await createToken(one, user.id, 1, { data: { count: 0 } })
  await Promise.all(Array.from({ length: 20 }, (_, n) =>
    (n % 2 === 0 ? one : other).updateToken(id, ({ data }) => ({ data: { count: (data?.count as number) + 1 } }))
  ))
  assert.deepEqual((await one.findToken(id))?.token.data, { count: 20 })
}

/**
 * Disables a token with `updater`, and rotates the token with `rotator` at the same time. Repeats this several times.
 * Throws unless one call ran after the other: the successor must be disabled if and only if the update was first.
 */
export async function assertSerial (updater: StorageAdapter, rotator: StorageAdapter): Promise<void> {
  const { id: userId } = await createUser(updater)
  for (let round = 0; round < 4 * rounds; round++) {
    const expires = round % 2 === 0 ? null : graceEnd
    const { id } = await createToken(updater, userId, 1)
    let seenByUpdate: TokenRecord | undefined
    const calls = [
      () => updater.updateToken(id, (current) => {
        seenByUpdate = current
        return { disabled: true }
      }),
      () => rotator.rotateToken(id, (old) => ({
        expires_at: expires, successor: newToken(userId, 2, { disabled: old.disabled })
      }))
    ]
    if (round % 4 < 2) calls.reverse()
    const outcomes = await Promise.all(calls.map((call) => call()))
    if (round % 4 < 2) outcomes.reverse()
    const [updated, successor] = outcomes
    if (typeof successor === 'string') assert.fail(`rotateToken returned '${successor}'`)
    const isUpdatedFirst = expires === null ? updated !== 'absent' : seenByUpdate?.expires_at === null
    assert.equal(successor?.disabled, isUpdatedFirst, 'whether the successor is disabled: the update was first')
    const old = (await updater.findToken(id))?.token
    if (expires === null) assertNothing(old, 'findToken of a token that was rotated')
    else assert.deepEqual([old?.disabled, old?.expires_at], [true, graceEnd], 'both changes of the old token')
    await updater.revokeTokens(userId)
  }
}

/**
 * Rotates a token 10 times at once: five times with `one`, and five times with `other`. Throws unless 9 of these calls
 * find a successor.
 */
export async function assertOneSuccessor (one: StorageAdapter, other: StorageAdapter): Promise<void> {
  const { id: userId } = await createUser(one)
  for (let round = 0; round < rounds; round++) {
    const { id } = await createToken(one, userId, 100)
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) =>
      (n % 2 === 0 ? one : other).rotateToken(id, (_old, successor) =>
        successor ? 'rejected' : { expires_at: graceEnd, successor: newToken(userId, n) })))
    const created = outcomes.filter((outcome) => outcome !== 'rejected')
    assert.equal(created.length, 1, 'number of rotations that found no successor')
    assert.deepEqual((await tokensOf(one, userId)).slice(1), created)
    await one.revokeTokens(userId)
  }
}

/**
 * Calls `pruneTokens` four times at once: twice with `one`, and twice with `other`. Throws unless the counts add up to
 * the number of deleted tokens.
 */
export async function assertCountedOnce (one: StorageAdapter, other: StorageAdapter): Promise<void> {
  const user = await createUser(one)
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 10; n++) await createToken(one, user.id, n, { expires_at: time(20) })
    const batches = await Promise.all(Array.from({ length: 4 }, (_, n) =>
      (n % 2 === 0 ? one : other).pruneTokens({ expiredBefore: time(30), limit: 10 })))
    const count = batches.reduce((sum, { deleted }) => sum + deleted, 0)
    assert.equal(count, 10, 'number of deleted tokens that all calls report')
    assert.equal(await one.countTokens(), 0)
  }
}

export const tokenRaces: Cases = {
  'updateToken: loses no change when 20 calls update one token at once': async ({ storage }) => {
    await assertNoLostUpdate(storage, storage)
  },

  'updateToken: loses no change when calls update different members at once': async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    for (let round = 1; round <= rounds; round++) {
      const changes = [
        { name: `${round}` }, { scopes: [`${round}`] }, { expires_at: time(round) }, { data: { round } },
        { disabled: round % 2 === 0 }
      ]
      await Promise.all(changes.map((change) => storage.updateToken(token.id, () => change)))
      assert.deepEqual((await storage.findToken(token.id))?.token, Object.assign({}, token, ...changes))
    }
  },

  'updateToken, rotateToken: run one after the other when called at once': async ({ storage }) => {
    await assertSerial(storage, storage)
  },

  'rotateToken: passes a successor to 9 of 10 calls at once': async ({ storage }) => {
    await assertOneSuccessor(storage, storage)
  },

  'updateToken, touchTokens: lose no change when called at once': async ({ storage }) => {
    const user = await createUser(storage)
    for (let round = 1; round <= rounds; round++) {
      const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => createToken(storage, user.id, n)))
      const keys = tokens.map(({ id }) => id)
      await Promise.all([
        ...keys.slice(0, 5).map((key) => storage.updateToken(key, () => ({ name: 'New' }))),
        storage.touchTokens(keys, time(round)),
        ...keys.slice(5).map((key) => storage.updateToken(key, () => ({ name: 'New' })))
      ])
      for (const { name, last_used_at: used } of await tokensOf(storage, user.id)) {
        assert.deepEqual([name, used], ['New', time(round)], 'the name that was updated, and the last use')
      }
      await storage.revokeTokens(user.id)
    }
  },

  'updateToken: brings no token back when it ends at the same time': async ({ storage }) => {
    for (let round = 0; round < 2 * rounds; round++) {
      const { id: userId } = await createUser(storage, { email: `${round}@x` })
      const tokens = await Promise.all(Array.from({ length: 6 }, (_, n) => createToken(storage, userId, n)))
      const ends = [
        () => Promise.all(tokens.map(({ id }) => storage.revokeToken(id))),
        () => storage.revokeTokens(userId),
        () => storage.deleteUser(userId)
      ]
      const updates = () => tokens.map(({ id }) => storage.updateToken(id, () => ({ disabled: true, name: 'New' })))
      const early = round % 2 === 0 ? updates() : []
      await Promise.all([...early, ends[round % 3]?.(), ...(round % 2 === 0 ? [] : updates())])
      assert.deepEqual(await tokensOf(storage, userId), [], 'tokens of a user after all of them ended')
      for (const [n, { id }] of tokens.entries()) {
        assertNothing(await storage.findTokenByHash(hashOf(n)), 'a token was found after its end')
        assert.equal(await storage.updateToken(id, () => ({})), 'absent')
        assert.equal(await storage.revokeToken(id), false, 'revokeToken of a token that has ended')
      }
    }
  },

  'pruneTokens: leaves a token whose expiry an update extends at once': async ({ storage }) => {
    const user = await createUser(storage)
    for (let round = 0; round < 2 * rounds; round++) {
      const keys: string[] = []
      for (let n = 0; n < 10; n++) keys.push((await createToken(storage, user.id, n, { expires_at: time(20) })).id)
      const extend = (key: string) => storage.updateToken(key, () => ({ expires_at: time(40) }))
      const [early, { deleted }, late] = await Promise.all([
        Promise.all(keys.slice(0, 5).map(extend)),
        storage.pruneTokens({ expiredBefore: time(30), limit: 10 }),
        Promise.all(keys.slice(5).map(extend))
      ])
      const outcomes = [...early, ...late]
      const extended = outcomes.filter((outcome) => outcome !== 'absent')
      assert.equal(deleted, 10 - extended.length, 'number of deleted tokens: all that were not extended')
      assert.deepEqual(await tokensOf(storage, user.id), extended, 'tokens that were extended')
      await storage.revokeTokens(user.id)
    }
  },

  'pruneTokens: counts each token once when called 4 times at once': async ({ storage }) => {
    await assertCountedOnce(storage, storage)
  }
}
