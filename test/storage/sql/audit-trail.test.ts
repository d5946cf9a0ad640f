import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage } from '../../../src/index.js'
import type { AuditAction, NewAuditRecord, TokenRecord } from '../../../src/storage/storage-adapter.js'
import { run } from '../../support/child.js'
import {
  databaseNames, emptyPlace, lockToken, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../../support/databases.js'
import { replay, stateOf, trailOf } from '../../support/replay.js'

const at = '2024-01-01T12:00:00.000Z'
const user = { email: 'a@b', name: 'A', max_concurrent_bots: 3, data: null, created_at: at }
const token = {
  user_id: '1',
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  disabled: false,
  data: null,
  start: null,
  created_at: at
}
const hashOf = (n: number) => {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return hash
}
const entry = (action: AuditAction, changed: string[] | null = null): NewAuditRecord =>
  ({ at, action, actor: 'ops', request_id: 'req-1', changed })

async function openedStorage (t: Test, database: DatabaseName) {
  const storage = storageAt(emptyPlace(t, database))
  t.teardown(() => storage.close())
  await storage.open()
  return storage
}

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('listAudit: returns nothing after a key that no entry can have', async (t) => {
      const storage = await openedStorage(t, database)
      await storage.createUser(user, entry('user.created'))
      t.same(await storage.listAudit({ order: 'asc', limit: 9, after: 'x' }), [])
    })

    t.test('KyselyStorage: adds an entry to each change, with the keys of what changed', async (t) => {
      const storage = await openedStorage(t, database)
      await storage.createUser(user, entry('user.created'))
      await storage.createUser({ ...user, email: 'c@d' }, entry('user.created'))
      await storage.updateUser('1', { name: 'B' }, undefined, entry('user.updated', ['name']))
      for (const n of [1, 2, 3, 4]) await storage.createToken({ ...token, hash: hashOf(n) }, entry('token.created'))
      await storage.updateToken('1', () => ({ disabled: true }), entry('token.updated', ['disabled']))
      await storage.rotateToken('2', () => (
        { expires_at: null, successor: { ...token, hash: hashOf(5) } }
      ), entry('token.rotated'))
      await storage.rotateToken('3', () => (
        { expires_at: at, successor: { ...token, hash: hashOf(6) } }
      ), entry('token.rotated'))
      await storage.revokeToken('4', entry('token.revoked'))
      await storage.revokeTokens('1', entry('token.revoked'))
      await storage.deleteUser('1', 1, entry('user.deleted'))
      const members = { at, actor: 'ops', request_id: 'req-1', token_id: null, successor_id: null, changed: null }
      t.same(await storage.listAudit({ order: 'asc', limit: 99 }), [
        { ...members, id: '1', action: 'user.created', user_id: '1' },
        { ...members, id: '2', action: 'user.created', user_id: '2' },
        { ...members, id: '3', action: 'user.updated', user_id: '1', changed: ['name'] },
        { ...members, id: '4', action: 'token.created', user_id: '1', token_id: '1' },
        { ...members, id: '5', action: 'token.created', user_id: '1', token_id: '2' },
        { ...members, id: '6', action: 'token.created', user_id: '1', token_id: '3' },
        { ...members, id: '7', action: 'token.created', user_id: '1', token_id: '4' },
        { ...members, id: '8', action: 'token.updated', user_id: '1', token_id: '1', changed: ['disabled'] },
        { ...members, id: '9', action: 'token.rotated', user_id: '1', token_id: '2', successor_id: '5' },
        { ...members, id: '10', action: 'token.rotated', user_id: '1', token_id: '3', successor_id: '6' },
        { ...members, id: '11', action: 'token.revoked', user_id: '1', token_id: '4' },
        { ...members, id: '12', action: 'token.revoked', user_id: '1' },
        { ...members, id: '13', action: 'user.deleted', user_id: '1' }
      ])
    })

    t.test('KyselyStorage: adds no entry when nothing changes', async (t) => {
      const storage = await openedStorage(t, database)
      await storage.createUser(user)
      await storage.createUser({ ...user, email: 'c@d' })
      await storage.createToken({ ...token, hash: hashOf(1) })
      const any = entry('user.updated')
      const successor = { ...token, user_id: '9', hash: hashOf(2) }
      t.equal(await storage.createUser(user, any), 'taken')
      for (const id of ['9', 'x']) {
        t.equal(await storage.updateUser(id, { name: 'x' }, undefined, any), 'absent')
        t.equal(await storage.deleteUser(id, undefined, any), false)
        t.equal(await storage.createToken({ ...token, user_id: id, hash: hashOf(2) }, any), 'absent')
        t.equal(await storage.updateToken(id, () => ({ name: 'x' }), any), 'absent')
        t.equal(await storage.rotateToken(id, () => ({ expires_at: null, successor }), any), 'absent')
        t.equal(await storage.revokeToken(id, any), false)
        await storage.revokeTokens(id, any)
      }
      t.equal(await storage.updateUser('1', { email: 'c@d' }, undefined, any), 'taken')
      t.equal(await storage.updateUser('1', { name: 'x' }, 7, any), 'absent')
      t.equal(await storage.deleteUser('1', 7, any), false)
      await t.rejects(storage.createToken({ ...token, hash: hashOf(1) }, any))
      t.equal(await storage.updateToken('1', () => 'rejected', any), 'rejected')
      t.same(await storage.updateToken('1', () => ({}), any), (await storage.findToken('1'))?.token)
      t.equal(await storage.rotateToken('1', () => 'rejected', any), 'rejected')
      await storage.revokeTokens('2', any)
      t.same(await storage.listAudit({ order: 'asc', limit: 99 }), [])
      await storage.createUser({ ...user, email: 'e@f' }, any)
      t.match(await storage.listAudit({ order: 'asc', limit: 99 }), [{ id: '1' }], 'no key is lost')
    })

    t.test('listAudit: returns pages of the entries that a filter selects', async (t) => {
      const storage = await openedStorage(t, database)
      const time = (n: number) => new Date(Date.parse(at) + n * 1000).toISOString()
      const actors = ['ops', 'OPS', 'ops ', null]
      for (let n = 1; n <= 8; n++) {
        const actor = actors[n % 4] as string | null
        const created = { ...entry('user.created'), at: time(n), actor, request_id: null }
        await storage.createUser({ ...user, email: `${n}@x` }, created)
        if (n === 1) continue
        await storage.createToken({ ...token, user_id: String(n % 2 + 1), hash: hashOf(n) }, entry('token.created'))
      }
      const ids = async (page: object) =>
        (await storage.listAudit({ order: 'asc', limit: 99, ...page })).map(({ id }) => Number(id))
      t.same(await ids({ limit: 3 }), [1, 2, 3])
      t.same(await ids({ after: '3', limit: 3 }), [4, 5, 6])
      t.same(await ids({ order: 'desc', limit: 3 }), [15, 14, 13])
      t.same(await ids({ order: 'desc', after: '3', limit: 3 }), [2, 1])
      t.same(await ids({ after: '15' }), [])
      t.same(await ids({ userId: '2' }), [2, 5, 9, 13])
      t.same(await ids({ userId: 'x' }), [])
      t.same(await ids({ tokenId: '3' }), [7])
      t.same(await ids({ tokenId: '3', userId: '2' }), [])
      t.same(await ids({ action: 'user.created', order: 'desc', limit: 2 }), [14, 12])
      t.same(await ids({ actor: 'ops', action: 'user.created' }), [6, 14])
      t.same(await ids({ actor: 'ops ' }), [2, 10])
      t.same(await ids({ since: time(3), until: time(5) }), [4, 6])
    })

    t.test('revokeTokens: its entry comes after each token that it revokes', async (t) => {
      const storage = await openedStorage(t, database)
      const named = (action: AuditAction, name: string) => ({ ...entry(action), request_id: name })
      await storage.createUser({ ...user, name: 'user' }, named('user.created', 'user'))
      const created: string[] = []
      let n = 0
      const create = async () => {
        const name = `create ${++n}`
        const answer = await storage.createToken({ ...token, name, hash: hashOf(n) }, named('token.created', name))
        created.push((answer as TokenRecord).id)
      }
      const creator = async () => { for (let i = 0; i < 12; i++) await create() }
      const revoker = async (name: string) => {
        for (let i = 0; i < 4; i++) await storage.revokeTokens('1', named('token.revoked', `${name} ${i}`))
      }
      await Promise.all([creator(), creator(), creator(), revoker('a'), revoker('b')])
      const trail = await trailOf(storage)
      const { state, faults } = replay(trail)
      t.same(faults, [])
      t.strictSame([...await stateOf(storage)].sort(), [...state].sort(), 'the records are as the entries say')
      const requests = trail.map((entry) => entry.request_id)
      t.equal(new Set(requests).size, requests.length, 'no call has two entries')
      const ids = trail.filter(({ action }) => action === 'token.created').map((entry) => entry.token_id)
      t.same(ids.sort(), created.sort())
    })

    // SQLite has no locks of rows.
    t.test('revokeTokens: revokes a token created while it waits for another', {
      skip: database === 'sqlite'
    }, async (t) => {
      const place = emptyPlace(t, database)
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await storage.open()
      await storage.createUser(user, entry('user.created'))
      await storage.createToken({ ...token, hash: hashOf(1) }, entry('token.created'))
      const release = await lockToken(t, place, 'token-1')
      const revocation = storage.revokeTokens('1', entry('token.revoked'))
      await sleep(100)
      const creation = storage.createToken({ ...token, hash: hashOf(2) }, entry('token.created'))
      await sleep(100)
      await release()
      await Promise.all([revocation, creation])
      const trail = await storage.listAudit({ order: 'asc', limit: 9 })
      const actions = trail.map(({ action }) => action)
      t.equal(actions.filter((action) => action === 'token.revoked').length, 1)
      t.equal(await storage.countTokens(), actions.at(-1) === 'token.revoked' ? 0 : 1)
    })
  })
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('listAudit: a reader misses no entry of four processes that write', async (t) => {
      const place = emptyPlace(t, database)
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await storage.open()
      const writers = ['a', 'b', 'c', 'd'].map((name) =>
        run(t, 'test/support/fixtures/write-entries.ts', { args: [place, name] }))
      let writing = true
      const ended = Promise.all(writers.map(({ exit }) => exit)).finally(() => { writing = false })
      const read: string[] = []
      let pages = 0
      for (let last = false; !last;) {
        last = !writing
        const page = await storage.listAudit({ order: 'asc', after: read.at(-1), limit: 7 })
        read.push(...page.map(({ id }) => id))
        if (page.length > 0) {
          pages++
          last = false
        }
        await sleep(1)
      }
      t.same(await ended, [0, 0, 0, 0], writers.map((writer) => writer.output()).join(''))
      const lines = await Promise.all(writers.map((writer) => writer.line(/^changes/)))
      t.same(lines, Array(4).fill('changes 120'))
      t.same(read, Array.from({ length: 480 }, (_, i) => String(i + 1)), `${pages} pages`)
    })
  })
}

t.test('SQLite: the Kysely of an app adds an entry if and only if it creates a token', async (t) => {
  const dialect = new SqliteDialect({ database: new Database(':memory:') })
  const db = new Kysely<any>({ dialect })
  t.teardown(() => db.destroy())
  const storage = new KyselyStorage({ db })
  await storage.open()
  await storage.createUser(user, entry('user.created'))
  t.equal(await storage.createToken({ ...token, user_id: '2', hash: hashOf(1) }, entry('token.created')), 'absent')
  await storage.createToken({ ...token, hash: hashOf(1) }, entry('token.created'))
  const trail = await storage.listAudit({ order: 'asc', limit: 9 })
  t.same(trail.map(({ id, action }) => [id, action]), [['1', 'user.created'], ['2', 'token.created']])

  await db.updateTable('vexa_audit').set({ action: 99 }).execute()
  await t.rejects(storage.listAudit({ order: 'asc', limit: 9 }), { message: /the unknown action 99/ })
})
