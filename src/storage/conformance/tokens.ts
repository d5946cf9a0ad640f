import assert from 'node:assert/strict'
import type { StorageAdapter } from '../storage-adapter.js'
import type { Cases } from './case.js'
import {
  assertNothing, attempt, hashOf, createToken, createUser, newToken, strangeKeys, time, tokensOf
} from './records.js'

const tokenKeys = async (storage: StorageAdapter, userId: string) =>
  (await tokensOf(storage, userId)).map(({ id }) => id)

export const tokens: Cases = {
  'createToken: stores each member, and findTokenByHash adds the user': async ({ storage }) => {
    const user = await createUser(storage)
    const given = [
      newToken(user.id, 1),
      newToken(user.id, 2, { name: 'CI', scopes: ['a', 'b:c'], expires_at: time(30), expires_in: 2147483647 }),
      newToken(user.id, 3, { disabled: true, data: { plan: ['pro', null] }, start: 'vex_a1B2', scopes: [] })
    ]
    for (const { hash, ...rest } of given) {
      const token = await storage.createToken({ hash, ...rest })
      if (token === 'absent') assert.fail("createToken returned 'absent' for an existing user")
      assert.deepEqual(token, { ...rest, id: token.id, last_used_at: null })
      assert.match(token.id, /^[\w-]{1,64}$/)
      assert.deepEqual(await storage.findTokenByHash(hash), { token, user })
      assert.deepEqual((await tokensOf(storage, user.id)).at(-1), token)
      const { id, email, name } = user
      assert.deepEqual(await storage.findToken(token.id), { token, user: { id, email, name } })
    }
  },

  'findTokenByHash: compares the whole hash byte by byte': async ({ storage }) => {
    const user = await createUser(storage)
    const hashes = [
      Buffer.alloc(32, 0),
      Buffer.alloc(32, 0xff),
      Buffer.alloc(32, 0xfe),
      Buffer.alloc(32, 0x20),
      Buffer.from(`abc${' '.repeat(29)}`),
      Buffer.from(`ABC${' '.repeat(29)}`)
    ]
    const keys: string[] = []
    for (const hash of hashes) keys.push((await createToken(storage, user.id, 0, { hash })).id)
    for (const [i, hash] of hashes.entries()) assert.equal((await storage.findTokenByHash(hash))?.token.id, keys[i])
    for (const hash of [Buffer.alloc(32, 1), Buffer.alloc(31, 0), Buffer.alloc(0), Buffer.from('abc')]) {
      assertNothing(await storage.findTokenByHash(hash), `findTokenByHash of ${hash.toString('hex')}`)
    }
  },

  'findTokenByHash: returns the user as it is now': async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    const disabled = await storage.updateUser(user.id, { disabled: true, data: { a: 1 } })
    assert.deepEqual(await storage.findTokenByHash(hashOf(1)), { token, user: disabled })
  },

  'findToken: finds nothing when the token was never created or has ended': async ({ storage }) => {
    const user = await createUser(storage)
    const tokens = [
      await createToken(storage, user.id, 1),
      await createToken(storage, user.id, 2),
      await createToken(storage, user.id, 3)
    ] as const
    for (const key of strangeKeys(tokens[0].id)) assertNothing(await storage.findToken(key), `findToken of ${key}`)
    const updated = await storage.updateUser(user.id, { name: 'New', email: 'new@x' })
    if (typeof updated === 'string') assert.fail(`updateUser returned '${updated}'`)
    const { id, email, name } = updated
    for (const token of tokens) {
      assert.deepEqual(await storage.findToken(token.id), { token, user: { id, email, name } })
    }
    await storage.revokeToken(tokens[0].id)
    assertNothing(await storage.findToken(tokens[0].id), 'findToken of a revoked token')
    await storage.rotateToken(tokens[1].id, () => ({ expires_at: null, successor: newToken(user.id, 4) }))
    assertNothing(await storage.findToken(tokens[1].id), 'findToken of a token that was rotated')
    await storage.deleteUser(user.id)
    assertNothing(await storage.findToken(tokens[2].id), 'findToken of a token of a deleted user')
  },

  "createToken: returns 'absent' and creates nothing when the user is absent": async ({ storage }) => {
    const user = await createUser(storage)
    const deleted = await createUser(storage, { email: 'deleted@x' })
    await storage.deleteUser(deleted.id)
    for (const key of [...strangeKeys(user.id), deleted.id]) {
      assert.equal(await storage.createToken(newToken(key, 1)), 'absent', `createToken for ${key}`)
      assertNothing(await storage.findTokenByHash(hashOf(1)), 'findTokenByHash of a token that was not created')
      assert.deepEqual(await tokensOf(storage, key), [])
    }
  },

  'listTokens: returns the tokens of one user in order of creation': async ({ storage }) => {
    const one = await createUser(storage, { email: '1@x' })
    const two = await createUser(storage, { email: '2@x' })
    const expected: Record<string, string[]> = { [one.id]: [], [two.id]: [] }
    for (let n = 1; n <= 12; n++) {
      const user = n % 3 === 0 ? two : one
      expected[user.id]?.push((await createToken(storage, user.id, n, { created_at: time(0) })).id)
    }
    for (const user of [one, two]) assert.deepEqual(await tokenKeys(storage, user.id), expected[user.id])
  },

  'revokeToken: revokes the token once, and no other token': async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    const other = await createToken(storage, user.id, 2)
    for (const key of strangeKeys(token.id)) {
      assert.equal(await storage.revokeToken(key), false, `revokeToken of ${key}`)
    }
    assert.equal(await storage.revokeToken(token.id), true)
    assert.equal(await storage.revokeToken(token.id), false)
    assertNothing(await storage.findTokenByHash(hashOf(1)), 'findTokenByHash of a revoked token')
    assert.deepEqual(await tokensOf(storage, user.id), [other])
  },

  'revokeTokens: revokes all tokens of one user, and no other token': async ({ storage }) => {
    const user = await createUser(storage, { email: '1@x' })
    const other = await createUser(storage, { email: '2@x' })
    for (const n of [1, 2, 3]) await createToken(storage, user.id, n)
    const kept = await createToken(storage, other.id, 4)
    for (const key of strangeKeys(user.id)) await storage.revokeTokens(key)
    assert.equal((await tokensOf(storage, user.id)).length, 3)
    await storage.revokeTokens(user.id)
    await storage.revokeTokens(user.id)
    assert.deepEqual(await tokensOf(storage, user.id), [])
    for (const n of [1, 2, 3]) {
      assertNothing(await storage.findTokenByHash(hashOf(n)), 'findTokenByHash of a revoked token')
    }
    assert.deepEqual(await tokensOf(storage, other.id), [kept])
    assert.deepEqual(await storage.findUser(user.id), user)
  },

  'rotateToken: deletes the old token and creates its successor': async ({ storage }) => {
    const user = await createUser(storage)
    const old = await createToken(storage, user.id, 1, {
      name: 'CI', scopes: ['a'], disabled: true, data: { a: [] }, start: 'vex_a1B2'
    })
    const { hash, ...successor } = newToken(user.id, 2, {
      name: 'CI',
      scopes: ['a'],
      expires_at: time(40),
      expires_in: 60,
      disabled: true,
      data: { a: [] },
      start: 'vex_C3d4'
    })
    const token = await storage.rotateToken(old.id, (seen) => {
      assert.deepEqual(seen, old)
      return { expires_at: null, successor: { hash, ...successor } }
    })
    if (typeof token === 'string') assert.fail(`rotateToken returned '${token}'`)
    assert.deepEqual(token, { ...successor, id: token.id, last_used_at: null })
    assert.notEqual(token.id, old.id)
    assertNothing(await storage.findTokenByHash(hashOf(1)), 'findTokenByHash of a token that was rotated')
    assert.deepEqual(await storage.findTokenByHash(hash), { token, user })
    assert.deepEqual(await tokensOf(storage, user.id), [token])
  },

  'rotateToken: sets the expiry of the old token when there is a grace period': async ({ storage }) => {
    const user = await createUser(storage)
    const old = await createToken(storage, user.id, 1, { expires_in: 60, expires_at: time(50) })
    const token = await storage.rotateToken(old.id, () => ({ expires_at: time(20), successor: newToken(user.id, 2) }))
    assert.deepEqual(await tokensOf(storage, user.id), [{ ...old, expires_at: time(20) }, token])
    assert.deepEqual((await storage.findTokenByHash(hashOf(1)))?.token, { ...old, expires_at: time(20) })
  },

  'rotateToken: changes nothing when replace rejects or throws': async ({ storage }) => {
    const user = await createUser(storage)
    const old = await createToken(storage, user.id, 1)
    await createToken(storage, user.id, 2)
    const before = await tokensOf(storage, user.id)
    assert.equal(await storage.rotateToken(old.id, () => 'rejected'), 'rejected')
    await assert.rejects(
      attempt(() =>
        storage.rotateToken(old.id, () => {
          throw new Error('on purpose')
        })
      ),
      'rotateToken must throw when `replace` throws'
    )
    assert.deepEqual(await tokensOf(storage, user.id), before)
    assert.deepEqual((await storage.findTokenByHash(hashOf(1)))?.token, old)
  },

  "rotateToken: returns 'absent' when the key was never used": async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    for (const key of strangeKeys(token.id)) {
      assert.equal(
        await storage.rotateToken(key, () => assert.fail('replace was called for an absent token')),
        'absent',
        `rotateToken of ${key}`
      )
    }
  },

  'touchTokens: moves last_used_at forward only, and creates no token': async ({ storage }) => {
    const user = await createUser(storage)
    const [one, two, gone] = [
      await createToken(storage, user.id, 1),
      await createToken(storage, user.id, 2),
      await createToken(storage, user.id, 3)
    ]
    await storage.revokeToken(gone.id)
    await storage.touchTokens([], time(1))
    await storage.touchTokens([one.id, gone.id, ...strangeKeys(one.id)], time(5))
    assert.deepEqual(await tokensOf(storage, user.id), [{ ...one, last_used_at: time(5) }, two])
    await storage.touchTokens([two.id, one.id], time(4))
    assert.deepEqual(await tokensOf(storage, user.id), [
      { ...one, last_used_at: time(5) },
      { ...two, last_used_at: time(4) }
    ])
    assertNothing(await storage.findTokenByHash(hashOf(3)), 'findTokenByHash of a revoked token that was touched')
  },

  'touchTokens: updates hundreds of tokens in one call': async ({ storage }) => {
    const user = await createUser(storage)
    const keys: string[] = []
    for (let n = 0; n < 500; n += 50) {
      const tokens = await Promise.all(
        Array.from({ length: 50 }, (_, i) => {
          const hash = Buffer.alloc(32)
          hash.writeUInt16BE(n + i)
          return createToken(storage, user.id, 0, { hash })
        })
      )
      keys.push(...tokens.map(({ id }) => id))
    }
    await storage.touchTokens(keys, time(5))
    assert.deepEqual(
      new Set((await tokensOf(storage, user.id)).map((token) => token.last_used_at)),
      new Set([time(5)])
    )
  }
}
