// The counter of the audit trail after a restore of single tables.
import t, { type Test } from 'tap'
import { newEntry } from '../../../src/storage/conformance/audit-changes.js'
import { newToken, newUser } from '../../../src/storage/conformance/records.js'
import {
  backDoor, databaseNames, emptyPlace, storageAt, unavailable, type DatabaseName
} from '../../support/databases.js'

const entry = newEntry('user.created')

/** Creates a trail of three entries, and returns direct access to its tables. */
async function prepare (t: Test, database: DatabaseName) {
  const place = emptyPlace(t, database)
  const storage = await opened(t, place)
  for (const n of [1, 2, 3]) await storage.createUser(newUser({ email: `${n}@x` }), entry)
  const { db, prefix } = backDoor(t, place)
  const counter = async () => {
    const rows = await db.selectFrom(`${prefix}audit_last`).selectAll().execute()
    return rows.map(({ id, last }) => [id, Number(last)])
  }
  const ids = async () => (await storage.listAudit({ order: 'asc', limit: 1000 })).map(({ id }) => id)
  return { place, storage, db, audit: `${prefix}audit`, last: `${prefix}audit_last`, prefix, counter, ids }
}

async function opened (t: Test, place: string, options = {}) {
  const storage = storageAt(place, options)
  t.teardown(() => storage.close())
  await storage.open()
  return storage
}

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('open: new entries come after the last one that was restored', async (t) => {
      for (const migrate of [true, false]) {
        const { place, db, audit, last, prefix, ids } = await prepare(t, database)
        if (database === 'sqlite') await db.deleteFrom('sqlite_sequence').where('name', '=', audit).execute()
        else await db.updateTable(last).set({ last: 1 }).execute()
        // The first entries have been pruned.
        await db.deleteFrom(audit).where('id', '<', 3).execute()
        const storages = await Promise.all([1, 2, 3].map(() => opened(t, place, { migrate })))
        const emails = ['a@b', 'c@d', 'e@f']
        await Promise.all(storages.map((storage, n) => storage.createUser(newUser({ email: `${emails[n]}` }), entry)))
        t.same(await ids(), ['3', '4', '5', '6'], prefix)
      }
    })

    // SQLite needs no counter.
    if (database === 'sqlite') return

    t.test('open: leaves a counter that is ahead, and creates a missing one', async (t) => {
      const { place, storage, db, audit, last, counter, ids } = await prepare(t, database)
      await db.deleteFrom(audit).where('id', '>', 1).execute()
      await opened(t, place)
      t.same(await counter(), [[1, 3]])
      await db.deleteFrom(last).execute()
      await Promise.all([1, 2, 3].map(() => opened(t, place, { migrate: false })))
      t.same(await counter(), [[1, 1]])
      await storage.createUser(newUser(), entry)
      t.same(await ids(), ['1', '2'])
      await db.deleteFrom(audit).execute()
      await db.deleteFrom(last).execute()
      await opened(t, place)
      t.same(await counter(), [[1, 0]])
    })

    t.test('open: many starts at once mend the counter while others make changes', async (t) => {
      const { place, storage, db, audit, last, counter, ids } = await prepare(t, database)
      for (let round = 0; round < 5; round++) {
        const before = (await ids()).length
        await db.updateTable(last).set({ last: 0 }).execute()
        let made = 0
        const change = async (n: number) => {
          await storage.createUser(newUser({ email: `${round}-${n}@x` }), entry).then(() => { made++ }, () => {})
        }
        const changes = Array.from({ length: 20 }, (_, n) => change(n))
        await Promise.all([1, 2, 3].map(() => opened(t, place)))
        await Promise.all([...changes, ...Array.from({ length: 5 }, (_, n) => change(100 + n))])
        t.ok(made >= 5, `${made} changes`)
        t.same(await ids(), Array.from({ length: before + made }, (_, n) => `${n + 1}`), 'keys have no gap')
        t.same(await counter(), [[1, before + made]])
      }
      await db.deleteFrom(audit).execute()
    })

    t.test('KyselyStorage: changes nothing if the counter is missing', async (t) => {
      const { storage, db, last } = await prepare(t, database)
      await db.deleteFrom(last).execute()
      const count = await storage.countUsers()
      await t.rejects(storage.createUser(newUser(), entry))
      t.equal(await storage.countUsers(), count)
      await t.rejects(storage.createToken(newToken('1', 1), newEntry('token.created')))
      await t.rejects(storage.updateUser('1', { name: 'B' }, undefined, newEntry('user.updated')))
      t.equal((await storage.findUser('1'))?.name, newUser().name)
      t.equal(await storage.countTokens(), 0)
    })

    t.test('open: throws if the counter cannot be read', async (t) => {
      const { place, db, last } = await prepare(t, database)
      await db.schema.dropTable(last).execute()
      const storage = storageAt(place)
      t.teardown(() => storage.close())
      await t.rejects(storage.open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN' })
    })
  })
}
