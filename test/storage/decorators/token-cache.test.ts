import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Database from 'better-sqlite3'
import t from 'tap'
import {
  openVexaAdmin, sqliteStorage, type NewTokenRecord, type StorageAdapter, type TokenRecord, type TokenWithUser,
  type UserRecord
} from '../../../src/index.js'
import { withTokenCache } from '../../../src/storage/decorators/token-cache.js'
import { storageMethodNames } from '../../../src/storage/storage-adapter.js'
import { MemoryStorage } from '../../../examples/custom-storage.js'
import { backDoor, emptyPlace, emptyStorage, storageAt } from '../../support/databases.js'
import { faultyStorage } from '../../support/faulty-storage.js'
import { build } from '../../support/helpers.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Returns a storage that counts the look-ups of tokens, and waits for `pause` after each. */
function watched (stored: StorageAdapter) {
  const seen = { lookups: 0, pause: async () => {} }
  const storage = faultyStorage(stored, {
    async findTokenByHash (hash) {
      seen.lookups++
      const found = await stored.findTokenByHash(hash)
      await seen.pause()
      return found
    }
  })
  return { seen, storage }
}

t.test('tokenCache: each check looks the token up when the option is false', async (t) => {
  const { seen, storage } = watched(emptyStorage(t))
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache: false })
  const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  for (let n = 0; n < 3; n++) t.equal((await tokens.verify({ token })).valid, true)
  t.equal(seen.lookups, 3)
})

t.test('tokenCache: looks a token up once, and an unknown token each time', async (t) => {
  const { seen, storage } = watched(emptyStorage(t))
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache: { ttl: 60_000 }, scopes: ['a', 'b'] })
  const { id } = await users.create({ email: 'a@b', data: { deep: { n: 1 } } })
  const { token } = await tokens.create(id, { scopes: ['a'] })
  const first = await tokens.verify({ token })
  t.match(first, { valid: true, user: { email: 'a@b', data: { deep: { n: 1 } } }, token: { scopes: ['a'] } })
  for (let n = 0; n < 5; n++) t.match(await tokens.verify({ token, scopes: ['a'] }), { valid: true })
  t.equal(seen.lookups, 1)
  t.same(await tokens.verify({ token, scopes: ['b'] }), { valid: false, code: 'INSUFFICIENT_SCOPE' })

  // A request may change the records that it gets.
  if (!first.valid) throw new Error('not valid')
  Object.assign(first.user.data?.deep as object, { n: 2 })
  first.token.scopes?.push('b')
  const second = await tokens.verify({ token })
  if (!second.valid) throw new Error('not valid')
  t.same([second.user.data, second.token.scopes], [{ deep: { n: 1 } }, ['a']])
  Object.assign(second.user.data?.deep as object, { n: 3 })
  t.match(await tokens.verify({ token }), { user: { data: { deep: { n: 1 } } } })

  t.equal(seen.lookups, 1)
  const unknown = (await tokens.create('user-1')).token
  await tokens.revoke('token-2')
  for (let n = 0; n < 3; n++) t.same(await tokens.verify({ token: unknown }), { valid: false, code: 'NOT_FOUND' })
  t.equal(seen.lookups, 4)
})

t.test('tokenCache: looks a token up again when its time is over', async (t) => {
  const { seen, storage } = watched(emptyStorage(t))
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache: { ttl: 20 } })
  const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  await tokens.verify({ token })
  await sleep(30)
  await tokens.verify({ token })
  t.equal(seen.lookups, 2)
})

t.test('tokenCache: throws after the app is closed', async (t) => {
  const app = await build(t, { storage: emptyStorage(t), tokenCache: { ttl: 60_000 } })
  const { users, tokens } = app.vexaAdmin
  const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  t.equal((await tokens.verify({ token })).valid, true)
  await app.close()
  await t.rejects(tokens.verify({ token }), { message: 'Storage cannot answer now' })
})

t.test('tokenCache: a change by the app takes effect at once', async (t) => {
  const { vexaAdmin: { users, tokens } } = await build(t, { storage: emptyStorage(t), tokenCache: { ttl: 60_000 } })
  const { id } = await users.create({ email: 'a@b' })
  const check = async (token: string) => {
    const verification = await tokens.verify({ token })
    return verification.valid ? verification.user.name : verification.code
  }
  const createChecked = async () => {
    const token = await tokens.create(id)
    t.equal(await check(token.token), null)
    return token
  }
  const changes: Array<[change: () => Promise<unknown>, answer: string | null]> = [
    [() => tokens.revoke('token-1'), 'NOT_FOUND'],
    [() => tokens.rotate('token-2'), 'NOT_FOUND'],
    [() => tokens.revokeAll(id), 'NOT_FOUND'],
    [() => users.update(id, { name: 'New' }), 'New']
  ]
  for (const [change, answer] of changes) {
    const { token } = await createChecked()
    await change()
    t.equal(await check(token), answer)
    await users.update(id, { name: null })
  }
  const { token } = await createChecked()
  await users.update(id, { disabled: true })
  t.equal(await check(token), 'DISABLED')
  await users.update(id, { disabled: false })
  t.equal(await check(token), null)
  await users.delete(id)
  t.equal(await check(token), 'NOT_FOUND')
})

t.test('tokenCache: a token in the cache expires in time', async (t) => {
  const { vexaAdmin: { users, tokens } } = await build(t, { storage: emptyStorage(t), tokenCache: { ttl: 60_000 } })
  const { id } = await users.create({ email: 'a@b' })
  const { token } = await tokens.create(id, { expires_in: 1 })
  t.equal((await tokens.verify({ token })).valid, true)
  await sleep(1010)
  t.same(await tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
})

t.test('tokenCache: a change by another process takes effect when the time is over', async (t) => {
  const place = emptyPlace(t)
  const here = await build(t, { storage: storageAt(place), tokenCache: { ttl: 1000 } })
  const there = await build(t, { storage: storageAt(place) })
  const { id } = await here.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await here.vexaAdmin.tokens.create(id)
  t.equal((await here.vexaAdmin.tokens.verify({ token })).valid, true)
  await there.vexaAdmin.tokens.revokeAll(id)
  const revoked = performance.now()
  t.equal((await here.vexaAdmin.tokens.verify({ token })).valid, true, 'the cache still has the token')
  while (performance.now() - revoked < 1000) await here.vexaAdmin.tokens.verify({ token })
  t.same(await here.vexaAdmin.tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
})

t.test('tokenCache: does not keep a token that is revoked during its look-up', async (t) => {
  const { seen, storage } = watched(emptyStorage(t))
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache: { ttl: 60_000 } })
  const { id } = await users.create({ email: 'a@b' })
  const { id: tokenId, token } = await tokens.create(id)
  let goOn!: () => void
  let checking!: ReturnType<typeof tokens.verify>
  await new Promise<void>((resolve) => {
    seen.pause = () => new Promise((_resolve) => {
      goOn = _resolve
      resolve()
    })
    checking = tokens.verify({ token })
  })
  await tokens.revoke(tokenId)
  goOn()
  seen.pause = async () => {}
  t.equal((await checking).valid, true, 'the check began before the revocation')
  t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
})

t.test('tokenCache: empties the cache when a change fails', async (t) => {
  const { seen, storage } = watched(emptyStorage(t))
  let broken = false
  const failing = faultyStorage(storage, {
    async revokeToken (id) {
      const answer = await storage.revokeToken(id)
      if (broken) throw new Error('the connection broke before the answer came')
      return answer
    }
  })
  const { vexaAdmin: { users, tokens } } = await build(t, { storage: failing, tokenCache: { ttl: 60_000 } })
  const { id: tokenId, token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  await tokens.verify({ token })
  broken = true
  await t.rejects(tokens.revoke(tokenId), { message: 'Storage cannot answer now' })
  t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
  t.equal(seen.lookups, 2)
})

t.test('tokenCache: a storage of the app that passes on dataVersion has no cache by default', async (t) => {
  for (const [tokenCache, lookups] of [[undefined, 5], ['exact', 1]] as const) {
    const { seen, storage } = watched(sqliteStorage({ filename: ':memory:' }))
    const { vexaAdmin: { users, tokens } } = await build(t, { storage, tokenCache })
    const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
    for (let n = 0; n < 5; n++) t.equal((await tokens.verify({ token })).valid, true)
    t.equal(seen.lookups, lookups)
  }
})

t.test('tokenCache: exact looks each token up if dataVersion returns a promise', async (t) => {
  const stored = sqliteStorage({ filename: ':memory:' })
  const { seen, storage } = watched(stored)
  const asynchronous = faultyStorage(storage, { dataVersion: async () => 1 } as object)
  const { vexaAdmin: { users, tokens } } = await build(t, { storage: asynchronous, tokenCache: 'exact' })
  const { token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  for (let n = 0; n < 3; n++) t.equal((await tokens.verify({ token })).valid, true)
  t.equal(seen.lookups, 3)
})

t.test('tokenCache: a change takes effect at once if others use the same storage', async (t) => {
  const storage = emptyStorage(t)
  const { vexaAdmin: { users, tokens } } = await build(t, { storage })
  const other = await openVexaAdmin({ storage })
  const { id } = await users.create({ email: 'a@b' })
  for (const revoke of [(id: string) => other.tokens.revoke(id), (id: string) => storage.revokeToken(id.slice(6))]) {
    const { id: tokenId, token } = await tokens.create(id)
    for (let n = 0; n < 2; n++) t.equal((await tokens.verify({ token })).valid, true)
    await revoke(tokenId)
    t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
  }
})

t.test('sqliteStorage: dataVersion is unknown after close', async (t) => {
  const storage = sqliteStorage({ filename: ':memory:' })
  await storage.open()
  t.type(storage.dataVersion?.(), 'number')
  await storage.close()
  t.equal(storage.dataVersion?.(), undefined)
})

t.test('tokenCache: a revocation that succeeds after storageTimeout takes effect', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  const { vexaAdmin: { users, tokens } } = await build(t, { storage: storageAt(place), storageTimeout: 100 })
  const { id, token } = await tokens.create((await users.create({ email: 'a@b' })).id)
  t.equal((await tokens.verify({ token })).valid, true)
  const lock = new Database(place.slice('sqlite:'.length))
  t.teardown(() => lock.close())
  lock.exec('begin immediate')
  await t.rejects(tokens.revoke(id), { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' })
  t.equal((await tokens.verify({ token })).valid, true)
  lock.exec('commit')
  while ((await tokens.verify({ token })).valid) await sleep(5)
  t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
})

t.test('tokenCache: by default, a change by another process or by SQL takes effect at once', async (t) => {
  const place = emptyPlace(t)
  const here = await build(t, { storage: storageAt(place) })
  const there = await build(t, { storage: storageAt(place) })
  const { db, prefix } = backDoor(t, place)
  const { id } = await here.vexaAdmin.users.create({ email: 'a@b' })
  const check = async (token: string) => {
    const verification = await here.vexaAdmin.tokens.verify({ token })
    return verification.valid ? verification.user.name : verification.code
  }
  const { users, tokens } = there.vexaAdmin
  const changes: Array<[change: (id: string) => Promise<unknown>, answer: string | null]> = [
    [(id) => tokens.revoke(id), 'NOT_FOUND'],
    [(id) => tokens.rotate(id), 'NOT_FOUND'],
    [(id) => tokens.update(id, { disabled: true }), 'TOKEN_DISABLED'],
    [() => tokens.revokeAll(id), 'NOT_FOUND'],
    [() => users.update(id, { name: 'New' }), 'New'],
    [() => users.update(id, { disabled: true }), 'DISABLED'],
    [() => db.updateTable(`${prefix}users`).set({ disabled: 0, name: 'SQL' }).execute(), 'SQL'],
    [() => db.deleteFrom(`${prefix}tokens`).execute(), 'NOT_FOUND']
  ]
  for (const [change, answer] of changes) {
    const { id: tokenId, token } = await tokens.create(id)
    const before = await check(token)
    t.equal(await check(token), before)
    await change(tokenId)
    t.equal(await check(token), answer)
  }
})

t.test('tokenCache: exact is rejected if the storage cannot tell whether its data has changed', async (t) => {
  await t.rejects(build(t, { storage: new MemoryStorage(), tokenCache: 'exact' }), {
    code: 'VEXA_ADMIN_ERR_INVALID_OPTION', message: /'exact'` needs a storage .* lacks the method `dataVersion`/
  })
})

t.test('withTokenCache: keeps tokens of one version, and asks the storage while it is unknown', async (t) => {
  let lookups = 0
  let version: number | undefined = 1
  let pause = async () => {}
  const found = { token: { scopes: null, data: null }, user: { data: null } } as TokenWithUser
  const cache = withTokenCache({
    findTokenByHash: async () => {
      lookups++
      await pause()
      return found
    }
  } as unknown as StorageAdapter, 60_000, () => version)
  const find = async (n: number) => {
    lookups = 0
    for (let i = 0; i < 3; i++) await cache.findTokenByHash(Buffer.alloc(32, n))
    return lookups
  }
  t.same([await find(1), await find(2), await find(1)], [1, 1, 0])
  version = undefined
  t.equal(await find(1), 3)
  version = 1
  t.same([await find(1), await find(2)], [0, 0], 'the tokens are still there')
  version = 2
  t.same([await find(1), await find(2)], [1, 1])

  pause = async () => {
    pause = async () => {}
    version = 3
    await cache.findTokenByHash(Buffer.alloc(32, 3))
  }
  await cache.findTokenByHash(Buffer.alloc(32, 4))
  t.same([await find(3), await find(4)], [0, 1], 'the version changed during the look-up')
})

t.test('withTokenCache: drops the oldest entry when it has 10,000', async (t) => {
  let lookups = 0
  const found = { token: { scopes: null, data: null }, user: { data: null } } as TokenWithUser
  // The storage answers synchronously.
  const findTokenByHash = () => {
    lookups++
    return found
  }
  const cache = withTokenCache({ findTokenByHash } as unknown as StorageAdapter, 60_000)
  const hashOf = (n: number) => Buffer.from(String(n).padStart(32, '0'))
  for (let n = 0; n <= 10_000; n++) cache.findTokenByHash(hashOf(n))
  t.equal(lookups, 10_001)
  cache.findTokenByHash(hashOf(1))
  t.equal(lookups, 10_001)
  cache.findTokenByHash(hashOf(0))
  t.equal(lookups, 10_002)
})

/** Returns a cache over tokens whose `data`, and that of their users, has `size` characters together. */
function cacheOfLarge (size: number) {
  const half = Math.floor(size / 2) - JSON.stringify({ text: '' }).length
  let lookups = 0
  const cache = withTokenCache({
    findTokenByHash: () => {
      lookups++
      const data = { text: 'x'.repeat(half) }
      return { token: { scopes: null, data }, user: { data } } as unknown as TokenWithUser
    }
  } as unknown as StorageAdapter, 60_000)
  /** Finds the token number `n`, and returns whether the cache had it. */
  const isCached = (n: number) => {
    const before = lookups
    cache.findTokenByHash(Buffer.alloc(32, n))
    return lookups === before
  }
  return { cache, isCached }
}

t.test('withTokenCache: drops the oldest entries when they have 64 MiB of data', async (t) => {
  const mebi = 1024 * 1024
  // Each character takes at most two bytes, so 16 tokens with 4 MiB fill the cache.
  const { cache, isCached } = cacheOfLarge(2 * mebi)
  for (let n = 0; n < 16; n++) t.notOk(isCached(n))
  for (let n = 0; n < 16; n++) t.ok(isCached(n), `token ${n} fits`)
  t.notOk(isCached(16))
  t.ok(isCached(1))
  t.notOk(isCached(0), 'the oldest entry is dropped')

  await cache.revokeToken('1').catch(() => {})
  for (let n = 0; n < 16; n++) t.notOk(isCached(n), 'a change empties the cache')
  for (let n = 0; n < 16; n++) t.ok(isCached(n), 'the whole size is free again')
})

t.test('withTokenCache: counts the size of a token once when it is looked up again', async (t) => {
  let lookups = 0
  const cache = withTokenCache({
    findTokenByHash: async () => {
      lookups++
      return { token: { scopes: null, data: null }, user: { data: { text: 'x'.repeat(1024 * 1024) } } }
    }
  } as unknown as StorageAdapter, 60_000)
  // Concurrent look-ups of one token each remember it.
  await Promise.all(Array.from({ length: 40 }, () => cache.findTokenByHash(Buffer.alloc(32, 1))))
  for (let n = 2; n <= 31; n++) await cache.findTokenByHash(Buffer.alloc(32, n))
  t.equal(lookups, 70)
  await cache.findTokenByHash(Buffer.alloc(32, 1))
  t.equal(lookups, 70, 'all 31 tokens fit')
})

t.test('withTokenCache: returns data that a caller may change', async (t) => {
  const stored = {
    token: { scopes: ['a'], data: { deep: { n: 1 } } }, user: { data: { deep: { n: 1 } } }
  } as unknown as TokenWithUser
  const cache = withTokenCache({ findTokenByHash: () => stored } as unknown as StorageAdapter, 60_000)
  for (let n = 0; n < 3; n++) {
    const found = cache.findTokenByHash(Buffer.alloc(32)) as TokenWithUser
    t.match(found, { token: { scopes: ['a'], data: { deep: { n: 1 } } }, user: { data: { deep: { n: 1 } } } })
    found.token.scopes?.push('b')
    Object.assign(found.token.data?.deep as object, { n: 2 })
    Object.assign(found.user.data?.deep as object, { n: 2 })
  }
})

t.test('withTokenCache: drops each token when a method changes or prunes tokens', async (t) => {
  const stored = new MemoryStorage()
  const time = '2024-01-01T12:00:00.000Z'
  const user = await stored.createUser({
    email: 'a@b', name: null, max_concurrent_bots: 3, data: null, created_at: time
  }) as UserRecord
  const newToken = (n: number): NewTokenRecord => ({
    user_id: user.id,
    hash: Buffer.alloc(32, n),
    name: null,
    scopes: null,
    expires_at: '2030-01-01T00:00:00.000Z',
    expires_in: 60,
    disabled: false,
    data: null,
    start: null,
    created_at: time
  })
  const { id } = await stored.createToken(newToken(1)) as TokenRecord
  const cache = withTokenCache(stored, 60_000)
  const find = () => cache.findTokenByHash(Buffer.alloc(32, 1))
  t.match(await find(), { token: { id, disabled: false } })
  await cache.updateToken(id, () => ({ disabled: true }))
  t.match(await find(), { token: { id, disabled: true } })
  await cache.rotateToken(id, () => ({ expires_at: time, successor: newToken(2) }))
  t.match(await find(), { token: { id, expires_at: time } })
  t.match(await cache.pruneTokens({ expiredBefore: '2025-01-01T00:00:00.000Z', limit: 1 }), { deleted: 1 })
  t.equal(await find(), undefined)
})

t.test('withTokenCache: drops expired entries when it adds another', async (t) => {
  const answers: WeakRef<object>[] = []
  const cache = withTokenCache({
    findTokenByHash: () => {
      const found = { token: { scopes: ['a'], data: null }, user: { data: null } } as unknown as TokenWithUser
      answers.push(new WeakRef(found.token.scopes as string[]))
      return found
    }
  } as unknown as StorageAdapter, 1)
  cache.findTokenByHash(Buffer.alloc(32, 1))
  await sleep(5)
  cache.findTokenByHash(Buffer.alloc(32, 2))
  // A weak reference keeps its target until the current task ends.
  await sleep(1)
  collectGarbage()
  t.equal(answers[0]?.deref(), undefined)
  t.not(answers[1]?.deref(), undefined)
})

t.test('withTokenCache: passes each call on, also to methods of a class', async (t) => {
  const calls: Array<[name: string, parameters: unknown[]]> = []
  class Recorder extends MemoryStorage {}
  for (const name of storageMethodNames) {
    Recorder.prototype[name] = async (...parameters: unknown[]) => {
      calls.push([name, parameters])
      return undefined as never
    }
  }
  const expected = Object.entries(withTokenCache(new Recorder(), 60_000)).map(([name, method]) => {
    const parameters = [Buffer.alloc(32), 'second', 'third', 'fourth'].slice(0, method.length)
    return { name, parameters, method: method as (...parameters: unknown[]) => unknown }
  })
  for (const { method, parameters } of expected) await method(...parameters)
  t.same(calls, expected.map(({ name, parameters }) => [name, parameters]))
  t.same([...calls.map(([name]) => name), 'open'].sort(), [...storageMethodNames].sort())
})
