// The lists, changes and pruning of tokens in a database. The conformance suite tests what each storage must do.
import t, { type Test } from 'tap'
import type { KyselyStorage, NewTokenRecord } from '../../../src/index.js'
import type { TokenFilter, TokenRecord } from '../../../src/storage/storage-adapter.js'
import {
  backDoor, emptyPlace, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../../support/databases.js'

const created = '2024-01-01T12:00:00.000Z'
const second = (n: number) => new Date(Date.parse(created) + n * 1000).toISOString()

/** Opens an empty storage with one user, and returns it with a function that creates tokens. */
async function openStorage (t: Test, database: DatabaseName) {
  const place = emptyPlace(t, database)
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await createUser(storage, 'a@b')
  let count = 0
  const create = async (members: Partial<NewTokenRecord> = {}) => {
    const token = newToken(++count, members)
    return await storage.createToken(token) as TokenRecord
  }
  return { place, storage, create, newToken: (members: Partial<NewTokenRecord> = {}) => newToken(++count, members) }
}

async function createUser (storage: KyselyStorage, email: string): Promise<void> {
  await storage.createUser({ email, name: 'A', max_concurrent_bots: 3, data: null, created_at: created })
}

function newToken (n: number, members: Partial<NewTokenRecord>): NewTokenRecord {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return {
    user_id: '1',
    hash,
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: created,
    ...members
  }
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('tokens: keep data, disabled and start', async (t) => {
      const { storage, create, newToken } = await openStorage(t, database)
      const token = newToken({ disabled: true, data: { a: [null, 'é'] }, start: 'vex_aB3d' })
      const { hash, ...members } = token
      const expected = { ...members, id: '1', last_used_at: null }
      t.same(await storage.createToken(token), expected)
      t.same(await storage.findTokenByHash(hash), { token: expected, user: await storage.findUser('1') })
      t.same(await storage.findToken('1'), { token: expected, user: { id: '1', email: 'a@b', name: 'A' } })
      await create()
      t.match(await storage.findToken('2'), { token: { disabled: false, data: null, start: null } })
      for (const id of ['3', '0', 'x', '9'.repeat(17)]) t.equal(await storage.findToken(id), undefined, id)
    })

    t.test('listTokens: each filter selects tokens, alone and with all others', async (t) => {
      const { storage, create } = await openStorage(t, database)
      await createUser(storage, 'c@d')
      const right = { user_id: '2', name: 'Όσος 100%_', start: 'vex_a%1', expires_at: second(20) }
      await create(right)
      await create({ ...right, user_id: '1' })
      await create({ ...right, name: 'ΌΣΟΣ 100' })
      await create({ ...right, name: null })
      await create({ ...right, start: 'vex_aB1' })
      await create({ ...right, start: null })
      await create({ ...right, disabled: true })
      await create({ ...right, expires_at: second(10) })
      await create({ ...right, expires_at: null })
      await create({ ...right, expires_at: second(30) })
      await create(right)
      await storage.touchTokens(['11'], second(5))
      const at = second(10)
      const filters: Array<[filter: TokenFilter, ids: number[]]> = [
        [{ userId: '2' }, [1, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
        [{ search: '%_' }, [1, 2, 5, 6, 7, 8, 9, 10, 11]],
        [{ search: 'όσοσ' }, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]],
        [{ start: 'vex_a%' }, [1, 2, 3, 4, 7, 8, 9, 10, 11]],
        [{ state: { is: 'active', at } }, [1, 2, 3, 4, 5, 6, 9, 10, 11]],
        [{ state: { is: 'disabled', at } }, [7]],
        [{ state: { is: 'expired', at } }, [8]],
        [{ unusedSince: second(5) }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
        [{ expiresBefore: second(30) }, [1, 2, 3, 4, 5, 6, 7, 8, 11]],
        [{ userId: '3' }, []],
        [{ userId: 'x' }, []],
        [{
          userId: '2',
          search: '%_',
          start: 'vex_a%',
          state: { is: 'active', at },
          unusedSince: second(5),
          expiresBefore: second(30)
        }, [1]]
      ]
      for (const [filter, ids] of filters) {
        const list = await storage.listTokens({ ...filter, order: 'asc', limit: 100 })
        const message = JSON.stringify(filter)
        t.same(list.map(({ token }) => Number(token.id)), ids, message)
        t.equal(await storage.countTokens(filter), ids.length, message)
        const page = await storage.listTokens({ ...filter, order: 'desc', after: '9', limit: 2 })
        t.same(page.map(({ token }) => Number(token.id)), ids.filter((id) => id < 9).reverse().slice(0, 2), message)
      }
      for (const order of ['asc', 'desc'] as const) {
        t.same(await storage.listTokens({ order, after: '-', limit: 2 }), [], 'no token can have this key')
      }
      t.equal(await storage.countTokens(), 11)
      t.equal(await storage.countTokens({ search: undefined }), 11)
    })

    t.test('listTokens: a start is compared byte by byte', async (t) => {
      const { storage, create } = await openStorage(t, database)
      const starts = ['ab', 'aB', 'AB', 'a', 'a b', 'a_b', 'a-b', 'a%', 'a!', 'a\\', 'ab~', 'ab ', 'a~', 'b']
      for (const start of starts) await create({ start })
      for (const start of [...starts, 'é', 'aé', '!', '', 'ab!']) {
        const found = await storage.listTokens({ order: 'asc', limit: 100, start })
        t.same(found.map(({ token }) => token.start), starts.filter((text) => text.startsWith(start)), start)
      }
    })

    t.test('updateToken: writes the given members and returns the token', async (t) => {
      const { storage, create } = await openStorage(t, database)
      const token = await create({ name: 'A', scopes: ['a'], data: { a: 1 }, expires_at: second(9), expires_in: 9 })
      await storage.touchTokens([token.id], second(5))
      const current = { ...token, last_used_at: second(5) }
      for (const changes of [
        {},
        { name: undefined, data: undefined },
        { name: 'Ö' },
        { disabled: true },
        { scopes: null, expires_at: null, expires_in: null, data: null },
        { name: null, scopes: ['b'], expires_at: second(30), expires_in: 30, data: { b: null }, disabled: false }
      ]) {
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
        const updated = await storage.updateToken(token.id, (found) => {
          t.same(found, current)
          return changes
        })
        t.same(updated, Object.assign(current, given))
        t.same((await storage.findToken(token.id))?.token, current)
        t.equal(await storage.countTokens({ search: 'ö' }), current.name === 'Ö' ? 1 : 0)
      }
      t.equal(await storage.updateToken(token.id, () => 'rejected'), 'rejected')
      t.equal(await storage.updateToken('2', () => t.fail('is not called') as never), 'absent')
      t.equal(await storage.updateToken('x', () => t.fail('is not called') as never), 'absent')
      const fault = new Error('from the caller')
      await t.rejects(storage.updateToken(token.id, () => { throw fault }), fault)
      t.same((await storage.findToken(token.id))?.token, current)
    })

    t.test('rotateToken: passes the successor that the latest rotation created', async (t) => {
      const { storage, create, newToken } = await openStorage(t, database)
      const { id } = await create()
      const rotate = async (expected: TokenRecord | undefined) => {
        const successor = newToken()
        const created = await storage.rotateToken(id, (_old, found) => {
          t.same(found, expected)
          return { expires_at: second(60), successor }
        })
        return created as TokenRecord
      }
      const first = await rotate(undefined)
      const latest = await rotate(first)
      await storage.revokeToken(first.id)
      const changed = await storage.updateToken(latest.id, () => ({ disabled: true }))
      const last = await rotate(changed as TokenRecord)
      await storage.revokeToken(last.id)
      await rotate(undefined)
    })

    t.test('pruneTokens: deletes expired tokens in batches', async (t) => {
      const { storage, create } = await openStorage(t, database)
      for (let n = 1; n <= 12; n++) await create({ expires_at: n % 4 === 0 ? null : second(n) })
      const expiredBefore = second(11)
      t.same(await storage.pruneTokens({ expiredBefore, limit: 3 }), { deleted: 3, last: '3' })
      t.same(await storage.pruneTokens({ expiredBefore, limit: 3, after: '3' }), { deleted: 3, last: '7' })
      t.same(await storage.pruneTokens({ expiredBefore, limit: 3, after: '7' }), { deleted: 2, last: '10' })
      t.same(await storage.pruneTokens({ expiredBefore, limit: 3, after: '10' }), { deleted: 0, last: undefined })
      const left = await storage.listTokens({ order: 'asc', limit: 100 })
      t.same(left.map(({ token }) => Number(token.id)), [4, 8, 11, 12])
    })

    t.test('tokens: lists and pruning are right when many tokens match', async (t) => {
      const { place, storage, newToken } = await openStorage(t, database)
      const { db, prefix } = backDoor(t, place)
      const written = (time: string) => database === 'mysql' ? time.replace('T', ' ').replace('Z', '') : time
      const count = 20_500
      // The tokens expire in the reverse of their order of creation.
      const rows = Array.from({ length: count }, (_, i) => ({
        user_id: 1,
        hash: newToken().hash,
        start: `vex_${i % 10}`,
        expires_at: written(second(count - i)),
        created_at: written(created)
      }))
      for (let i = 0; i < rows.length; i += 500) {
        await db.insertInto(`${prefix}tokens`).values(rows.slice(i, i + 500)).execute()
      }
      const list = async (filter: TokenFilter, order: 'asc' | 'desc', after: string) => {
        const page = await storage.listTokens({ ...filter, order, after, limit: 3 })
        return page.map(({ token }) => Number(token.id))
      }
      const many: TokenFilter[] = [
        { start: 'vex' }, { expiresBefore: second(count + 1) }, { state: { is: 'expired', at: second(count) } }
      ]
      for (const filter of many) {
        t.same(await list(filter, 'asc', '700'), [701, 702, 703])
        t.same(await list(filter, 'desc', '700'), [699, 698, 697])
      }
      t.same(await list({ start: 'vex_4' }, 'asc', '700'), [705, 715, 725])
      t.same(await list({ start: 'vex', expiresBefore: second(10) }, 'asc', '700'), [20_492, 20_493, 20_494])
      t.same(await list({ start: 'vex_4', expiresBefore: second(10) }, 'asc', '700'), [20_495])
      await storage.touchTokens(Array.from({ length: 600 }, (_, i) => String(i + 1)), second(9))
      t.equal(await storage.countTokens({ unusedSince: second(9) }), count - 600)
      const expiredBefore = second(count - 199)
      const prune = (after?: string) => storage.pruneTokens({ expiredBefore, after, limit: 20_200 })
      t.same(await prune(), { deleted: 20_200, last: '20400' })
      t.same(await prune('20400'), { deleted: 100, last: '20500' })
      t.equal(await storage.countTokens(), 200)
    })

    t.test('pruneTokens: deletes all expired tokens while others change tokens', async (t) => {
      const { storage, create, newToken } = await openStorage(t, database)
      for (const email of ['c@d', 'e@f', 'g@h']) await createUser(storage, email)
      // Tokens with an odd key have expired, and each user has tokens of both kinds.
      for (let n = 1; n <= 80; n++) {
        await create({ user_id: String(n % 8 < 4 ? n % 4 + 1 : 4 - n % 4), expires_at: second(n % 2 === 1 ? 1 : 100) })
      }
      const ids = Array.from({ length: 80 }, (_, i) => String(i + 1))
      const prune = async () => {
        let after: string | undefined
        do {
          after = (await storage.pruneTokens({ expiredBefore: second(2), after, limit: 7 })).last
        } while (after !== undefined)
      }
      await Promise.all([
        prune(),
        prune(),
        storage.deleteUser('1'),
        storage.revokeTokens('2'),
        storage.touchTokens(ids, second(3)),
        storage.touchTokens(ids.toReversed(), second(3)),
        ...ids.map((id) => storage.updateToken(id, () => ({ name: 'x' }))),
        ...ids.filter((id) => Number(id) % 4 === 0).map((id) => storage.rotateToken(id, ({ user_id: userId }) => (
          { expires_at: second(50), successor: newToken({ user_id: userId, expires_at: second(100) }) }
        )))
      ])
      t.equal(await storage.countTokens({ expiresBefore: second(2) }), 0)
      t.same([await storage.countTokens({ userId: '1' }), await storage.countTokens({ userId: '2' })], [0, 0])
      const kept = await storage.listTokens({ order: 'asc', limit: 100 })
      const originals = kept.filter(({ token }) => Number(token.id) <= 80)
      t.ok(originals.length > 0)
      t.ok(originals.every(({ token }) => Number(token.id) % 2 === 0 && token.name === 'x'), 'the others are kept')
    })
  })
}
