import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StorageAdapter, TokenRecord, TokenWithUser, UserRecord } from '../storage-adapter.js'
import { ifVersioned, type Cases } from './case.js'
import { assertNothing, hashOf, createToken, createUser, newToken, newUser, tokensOf } from './records.js'
import { assertCountedOnce, assertNoLostUpdate, assertOneSuccessor, assertSerial } from './token-races.js'
import { assertDoneOrThrown, prepareWrites } from './writes.js'

type End = (storage: StorageAdapter, token: TokenRecord) => Promise<unknown>
type IsOver = (found: TokenWithUser | undefined | null) => boolean

const isGone: IsOver = (found) => found == null
const successor = ({ user_id: userId }: TokenRecord) => newToken(userId, 0, { hash: randomBytes(32) })
const graceEnd = '2024-01-01T13:00:00.000Z'

/** Returns the members of a user that lists of tokens show. */
const shortOf = ({ id, email, name }: UserRecord) => ({ id, email, name })

/**
 * Changes that end or restrict a token. Each change has a check of the record that another process finds after the
 * change.
 */
const ends: Array<[end: End, isOver: IsOver]> = [
  [(storage, { id }) => storage.revokeToken(id), isGone],
  [(storage, { user_id: userId }) => storage.revokeTokens(userId), isGone],
  [(storage, { user_id: userId }) => storage.deleteUser(userId), isGone],
  [
    (storage, token) => storage.rotateToken(token.id, () => ({ expires_at: null, successor: successor(token) })),
    isGone
  ],
  [
    (storage, token) => storage.rotateToken(token.id, () => ({ expires_at: graceEnd, successor: successor(token) })),
    (found) => found?.token.expires_at === graceEnd
  ],
  [
    (storage, { user_id: userId }) => storage.updateUser(userId, { disabled: true }),
    (found) => found?.user.disabled === true
  ],
  [
    (storage, { id }) => storage.updateToken(id, () => ({ disabled: true })),
    (found) => found?.token.disabled === true
  ]
]

/** Cases for a VersionedStorageAdapter that run only if the option `share` is given. */
export const versionSharing: Cases = ifVersioned({
  'sharing: dataVersion differs after each change': async ({ storage, share }) => {
    const other = await share(storage)
    for (const [n, [end]] of ends.entries()) {
      const { id } = await createUser(other, { email: `${n}@x` })
      const token = await createToken(other, id, n)
      const before = storage.dataVersion()
      assert.ok(await storage.findTokenByHash(hashOf(n)))
      assert.ok(before !== undefined && storage.dataVersion() === before, 'the version changed without a change')
      await end(other, token)
      const after = storage.dataVersion()
      assert.notEqual(after, before, `the version did not change after change ${n} of another process`)
      await end(storage, await createToken(storage, (await createUser(storage, { email: `own-${n}@x` })).id, 100 + n))
      assert.notEqual(storage.dataVersion(), after, `the version did not change after change ${n} of this process`)
    }
  }
})

/** Cases that run only if the option `share` is given. */
export const sharing: Cases = {
  'sharing: each process finds at once what another has written': async ({ storage, share }) => {
    const other = await share(storage)
    const user = await createUser(storage, { data: { a: 1 } })
    const token = await createToken(storage, user.id, 1)
    assert.deepEqual(await other.findTokenByHash(hashOf(1)), { token, user })
    assert.deepEqual(await other.findUserByEmail(user.email), user)
    const updated = await other.updateUser(user.id, { disabled: true })
    assert.deepEqual(await storage.findTokenByHash(hashOf(1)), { token, user: updated })
    const changed = await other.updateToken(token.id, () => ({ disabled: true, data: { b: [] } }))
    assert.deepEqual(await storage.findToken(token.id), { token: changed, user: shortOf(user) })
    assert.deepEqual(await storage.listTokens({ order: 'asc', limit: 2 }), [{ token: changed, user: shortOf(user) }])
    assert.equal(await storage.countTokens({ state: { is: 'disabled', at: graceEnd } }), 1)
    assert.equal(await other.revokeToken(token.id), true)
    assertNothing(await storage.findTokenByHash(hashOf(1)), 'a token was found that another process has revoked')
    assert.equal(await other.createUser(newUser()), 'taken')
  },

  'sharing: findTokenByHash is current after each of 480 changes elsewhere': async ({ storage, share }) => {
    const storages = [storage, await share(storage)] as const
    let missed = 0
    let outlived = 0
    // Eight clients check many times, because a replica lags only sometimes, and only by milliseconds.
    await Promise.all(
      Array.from({ length: 8 }, async (_, client) => {
        const [one, other] = client % 2 === 0 ? storages : (storages.toReversed() as [StorageAdapter, StorageAdapter])
        for (let round = 0; round < 30; round++) {
          const { id } = await createUser(one, { email: `${client}-${round}@x` })
          const hash = randomBytes(32)
          const token = await createToken(one, id, 0, { hash })
          if (!(await other.findTokenByHash(hash))) missed++
          // The pause gives a replica time to receive the token. A replica without the token could not return the old
          // token below.
          await sleep(3)
          const [end, isOver] = ends[(client + round) % ends.length] as (typeof ends)[number]
          await end(one, token)
          if (!isOver(await other.findTokenByHash(hash))) outlived++
        }
      })
    )
    assert.ok(
      missed + outlived === 0,
      `another process did not find ${missed} of 240 new tokens, and did not see ${outlived} of 240 changes`
    )
  },

  'sharing: a write after close throws, or another process finds it done': async ({ storage, share }) => {
    const other = await share(storage)
    const writes = await prepareWrites(storage)
    await storage.close()
    await assertDoneOrThrown(writes, other)
  },

  'sharing: records remain after a restart': async ({ storage, share }) => {
    const user = await createUser(storage)
    const deleted = await createUser(storage, { email: 'deleted@x' })
    const token = await createToken(storage, user.id, 1)
    await storage.deleteUser(deleted.id)
    await storage.close()
    const later = await share(storage)
    assert.deepEqual(await later.findTokenByHash(hashOf(1)), { token, user })
    const next = await createUser(later, { email: 'deleted@x' })
    assert.notEqual(next.id, deleted.id, 'a key was reused after a restart')
  },

  'sharing: createUser creates one user when two processes use one address': async ({ storage, share }) => {
    const storages = [storage, await share(storage)]
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => storages[n % 2]?.createUser(newUser())))
    assert.equal(
      outcomes.filter((outcome) => outcome !== 'taken').length,
      1,
      'number of users created with one address'
    )
    assert.equal(await storage.countUsers(), 1)
  },

  'sharing: updateUser succeeds once when two processes have one revision': async ({ storage, share }) => {
    const storages = [storage, await share(storage)]
    const { id, revision } = await createUser(storage)
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => storages[n % 2]?.updateUser(id, { data: { n } }, revision))
    )
    assert.equal(outcomes.filter((outcome) => outcome !== 'absent').length, 1, 'number of updates that succeeded')
  },

  'sharing: one change succeeds when two processes update and delete a user': async ({ storage, share }) => {
    const storages = [storage, await share(storage)] as const
    for (let round = 0; round < 5; round++) {
      const { id, revision } = await createUser(storage, { email: `${round}@x` })
      const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => (n + round) % 2 === 0
        ? storages[0].deleteUser(id, revision)
        : storages[1].updateUser(id, { name: `${n}` }, revision)))
      const done = outcomes.filter((outcome) => outcome !== false && outcome !== 'absent')
      assert.equal(done.length, 1, 'number of calls that succeeded')
    }
  },

  'sharing: rotateToken creates one successor when two processes call it': async ({ storage, share }) => {
    const storages = [storage, await share(storage)]
    const user = await createUser(storage)
    const { id } = await createToken(storage, user.id, 100)
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        storages[n % 2]?.rotateToken(id, () => ({ expires_at: null, successor: newToken(user.id, n) }))
      )
    )
    assert.equal(
      outcomes.filter((outcome) => outcome !== 'absent').length,
      1,
      'number of rotations that created a successor'
    )
    assert.equal((await tokensOf(storage, user.id)).length, 1, 'number of tokens')
  },

  'sharing: rotateToken passes a successor that another process has created': async ({ storage, share }) => {
    const other = await share(storage)
    const { id: userId } = await createUser(storage)
    const { id } = await createToken(storage, userId, 1)
    const expected: unknown[] = [undefined]
    const seen: unknown[] = []
    for (const [n, rotator] of [other, storage, other].entries()) {
      expected.push(await rotator.rotateToken(id, (_old, successor) => {
        seen[n] = successor ?? undefined
        return { expires_at: graceEnd, successor: newToken(userId, 2 + n) }
      }))
    }
    assert.deepEqual(seen, expected.slice(0, 3))
  },

  'sharing: updateToken loses no change when two processes call it': async ({ storage, share }) => {
    await assertNoLostUpdate(storage, await share(storage))
  },

  'sharing: updateToken and rotateToken run one after the other': async ({ storage, share }) => {
    await assertSerial(storage, await share(storage))
  },

  'sharing: rotateToken passes a successor to 9 of 10 calls of two processes': async ({ storage, share }) => {
    await assertOneSuccessor(storage, await share(storage))
  },

  'sharing: pruneTokens counts each token once when two processes call it': async ({ storage, share }) => {
    await assertCountedOnce(storage, await share(storage))
  },

  'sharing: createToken leaves no token when another process deletes the user': async ({ storage, share }) => {
    const other = await share(storage)
    for (let round = 0; round < 5; round++) {
      const user = await createUser(storage, { email: `${round}@x` })
      const creations = Array.from({ length: 10 }, (_, n) => storage.createToken(newToken(user.id, n)))
      const [deleted] = await Promise.all([other.deleteUser(user.id), ...creations])
      assert.equal(deleted, true)
      for (let n = 0; n < 10; n++) {
        assertNothing(await storage.findTokenByHash(hashOf(n)), 'a token of a deleted user was found')
      }
    }
  }
}
