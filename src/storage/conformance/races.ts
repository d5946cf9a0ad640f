import assert from 'node:assert/strict'
import type { Cases } from './case.js'
import { assertNothing, emails, hashOf, createToken, createUser, newToken, newUser, tokensOf } from './records.js'

const rounds = 5

/** Makes `count` calls at once, and waits for all of them. */
function atOnce<T> (count: number, call: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => call(n)))
}

export const races: Cases = {
  'createUser: creates one user when 20 calls have one address': async ({ storage }) => {
    for (let round = 0; round < rounds; round++) {
      const outcomes = await atOnce(20, () => storage.createUser(newUser({ email: `${round}@x` })))
      assert.equal(
        outcomes.filter((outcome) => outcome !== 'taken').length,
        1,
        'number of users created with one address'
      )
      assert.equal(await storage.countUsers(), round + 1, 'number of users')
    }
  },

  'updateUser: gives an address to one user when 10 calls ask for it': async ({ storage }) => {
    const users = await atOnce(10, (n) => createUser(storage, { email: `${n}@x` }))
    const outcomes = await Promise.all(users.map(({ id }) => storage.updateUser(id, { email: 'same@x' })))
    assert.equal(outcomes.filter((outcome) => outcome === 'taken').length, 9, "number of calls that returned 'taken'")
    assert.equal((await emails(storage)).filter((email) => email === 'same@x').length, 1, 'users with the address')
  },

  'createUser, createToken: return different keys when called at once': async ({ storage }) => {
    const users = await atOnce(20, (n) => createUser(storage, { email: `${n}@x` }))
    assert.equal(new Set(users.map(({ id }) => id)).size, 20, 'number of keys of 20 users')
    const tokens = await atOnce(20, (n) => createToken(storage, (users[n % 3] as { id: string }).id, n))
    assert.equal(new Set(tokens.map(({ id }) => id)).size, 20, 'number of keys of 20 tokens')
    for (let n = 0; n < 20; n++) assert.equal((await storage.findTokenByHash(hashOf(n)))?.user.id, users[n % 3]?.id)
  },

  'updateUser: succeeds once when 10 calls have one revision': async ({ storage }) => {
    let { id, revision } = await createUser(storage)
    for (let round = 0; round < rounds; round++) {
      const outcomes = await atOnce(10, (n) => storage.updateUser(id, { data: { round, n } }, revision))
      const written = outcomes.filter((outcome) => typeof outcome !== 'string')
      assert.equal(written.length, 1, 'number of updates that succeeded')
      assert.deepEqual(await storage.findUser(id), written[0])
      revision = (written[0] as { revision: number }).revision
    }
  },

  'updateUser: loses no change when 20 callers read, update and try again': async ({ storage }) => {
    const { id } = await createUser(storage, { data: { count: 0 } })
    await atOnce(20, async () => {
      for (let attempt = 0; attempt < 100; attempt++) {
        const user = await storage.findUser(id)
        const count = user?.data?.count as number
        if ((await storage.updateUser(id, { data: { count: count + 1 } }, user?.revision)) !== 'absent') return
      }
      assert.fail('each of 100 updates failed')
    })
    assert.deepEqual((await storage.findUser(id))?.data, { count: 20 })
  },

  'updateUser: loses no change when calls update different members at once': async ({ storage }) => {
    const { id } = await createUser(storage)
    for (let round = 1; round <= rounds; round++) {
      await Promise.all([
        storage.updateUser(id, { name: `${round}` }),
        storage.updateUser(id, { max_concurrent_bots: round }),
        storage.updateUser(id, { email: `${round}@x` }),
        storage.updateUser(id, { data: { round } })
      ])
      const {
        name,
        max_concurrent_bots: bots,
        email,
        data
      } = (await storage.findUser(id)) ?? assert.fail('findUser finds no user')
      assert.deepEqual(
        { name, bots, email, data },
        { name: `${round}`, bots: round, email: `${round}@x`, data: { round } }
      )
    }
  },

  'updateUser, deleteUser: succeed once when 10 calls have one revision': async ({ storage }) => {
    for (let round = 0; round < 2 * rounds; round++) {
      const { id, revision } = await createUser(storage, { email: `${round}@x` })
      const token = await createToken(storage, id, round)
      const outcomes = await atOnce<unknown>(10, (n) => (n + round) % 2 === 0
        ? storage.deleteUser(id, revision)
        : storage.updateUser(id, { name: `${n}` }, revision))
      const done = outcomes.filter((outcome) => outcome !== false && outcome !== 'absent')
      assert.equal(done.length, 1, 'number of calls that succeeded')
      const user = await storage.findUser(id)
      if (done[0] === true) assertNothing(user, 'findUser of a deleted user')
      else assert.deepEqual([user, await tokensOf(storage, id)], [done[0], [token]])
    }
  },

  'revokeToken, deleteUser: return true once when called 10 times at once': async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    assert.equal(
      (await atOnce(10, () => storage.revokeToken(token.id))).filter(Boolean).length,
      1,
      'number of calls of revokeToken that returned true'
    )
    assert.equal(
      (await atOnce(10, () => storage.deleteUser(user.id))).filter(Boolean).length,
      1,
      'number of calls of deleteUser that returned true'
    )
  },

  'findTokenByHash: finds no token when the look-up begins after its end': async ({ storage }) => {
    for (let round = 0; round < rounds; round++) {
      const user = await createUser(storage, { email: `${round}@x` })
      const ends = [
        (id: string) => storage.revokeToken(id),
        () => storage.revokeTokens(user.id),
        (id: string) => storage.rotateToken(id, () => ({ expires_at: null, successor: newToken(user.id, 200) })),
        () => storage.deleteUser(user.id)
      ]
      for (const [n, end] of ends.entries()) {
        const { id } = await createToken(storage, user.id, n)
        let ended = false
        const lookUps = atOnce(4, async () => {
          for (let n2 = 0; n2 < 5; n2++) {
            const begunAfter = ended
            const found = await storage.findTokenByHash(hashOf(n))
            if (begunAfter) assertNothing(found, 'findTokenByHash found a token that no longer exists')
          }
        })
        const ending = end(id).then(() => {
          ended = true
        })
        await Promise.all([lookUps, ending])
        assertNothing(await storage.findTokenByHash(hashOf(n)), 'findTokenByHash found a token that no longer exists')
      }
    }
  },

  'createToken: leaves no token when its user is deleted at the same time': async ({ storage }) => {
    for (let round = 0; round < rounds; round++) {
      const user = await createUser(storage, { email: `${round}@x` })
      const creations = atOnce(10, async (n) => {
        const created = await storage.createToken(newToken(user.id, n))
        if (created !== 'absent') return
        assertNothing(
          await storage.findTokenByHash(hashOf(n)),
          "a token was found although createToken returned 'absent'"
        )
      })
      const [deleted] = await Promise.all([storage.deleteUser(user.id), creations])
      assert.equal(deleted, true)
      for (let n = 0; n < 10; n++) {
        assertNothing(await storage.findTokenByHash(hashOf(n)), 'a token of a deleted user was found')
      }
      assert.deepEqual(await tokensOf(storage, user.id), [])
    }
  },

  'rotateToken: leaves no successor when all tokens are revoked meanwhile': async ({ storage }) => {
    for (let round = 0; round < 2 * rounds; round++) {
      const user = await createUser(storage, { email: `${round}@x` })
      const tokens = await atOnce(4, (n) => createToken(storage, user.id, n))
      const end = round % 2 === 0 ? () => storage.revokeTokens(user.id) : () => storage.deleteUser(user.id)
      const rotations = tokens.map(({ id }, n) =>
        storage.rotateToken(id, () => ({ expires_at: null, successor: newToken(user.id, 100 + n) }))
      )
      await Promise.all([...rotations, end()])
      assert.deepEqual(await tokensOf(storage, user.id), [], 'tokens of a user after all of them were revoked')
      for (let n = 0; n < 4; n++) {
        assertNothing(
          await storage.findTokenByHash(hashOf(100 + n)),
          'a token was found after all tokens of its user were revoked'
        )
      }
    }
  },

  'rotateToken: creates one successor when called 10 times at once': async ({ storage }) => {
    const user = await createUser(storage)
    for (let round = 0; round < rounds; round++) {
      const { id } = await createToken(storage, user.id, 100)
      const outcomes = await atOnce(10, (n) =>
        storage.rotateToken(id, () => ({ expires_at: null, successor: newToken(user.id, n) }))
      )
      assert.equal(
        outcomes.filter((outcome) => outcome !== 'absent').length,
        1,
        'number of rotations that created a successor'
      )
      assert.equal((await tokensOf(storage, user.id)).length, 1, 'number of tokens')
      await storage.revokeTokens(user.id)
    }
  },

  'rotateToken: passes the current token to replace when called at once': async ({ storage }) => {
    const user = await createUser(storage)
    const { id } = await createToken(storage, user.id, 100)
    const outcomes = await atOnce(10, (n) =>
      storage.rotateToken(id, (old) =>
        old.expires_at === null
          ? { expires_at: '2024-01-01T13:00:00.000Z', successor: newToken(user.id, n) }
          : 'rejected'
      )
    )
    assert.equal(
      outcomes.filter((outcome) => outcome !== 'rejected').length,
      1,
      'number of rotations that created a successor'
    )
    assert.equal((await tokensOf(storage, user.id)).length, 2, 'number of tokens')
  },

  'touchTokens: brings no token back when it is revoked at the same time': async ({ storage }) => {
    const user = await createUser(storage)
    for (let round = 0; round < rounds; round++) {
      const tokens = await atOnce(10, (n) => createToken(storage, user.id, n))
      const keys = tokens.map(({ id }) => id)
      await Promise.all([
        storage.touchTokens(keys, '2024-01-01T13:00:00.000Z'),
        ...keys.map((key) => storage.revokeToken(key)),
        storage.touchTokens(keys.toReversed(), '2024-01-01T13:01:00.000Z')
      ])
      for (let n = 0; n < 10; n++) {
        assertNothing(await storage.findTokenByHash(hashOf(n)), 'a revoked token was found')
      }
      assert.deepEqual(await tokensOf(storage, user.id), [])
      for (const key of keys) {
        const outcome = await storage.rotateToken(key, () => assert.fail('replace was called for a revoked token'))
        assert.equal(outcome, 'absent')
        assert.equal(await storage.revokeToken(key), false, 'a revoked token was revoked again')
      }
    }
  }
}
