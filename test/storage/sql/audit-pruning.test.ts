import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { newEntry, pruneAll } from '../../../src/storage/conformance/audit-changes.js'
import { newUser } from '../../../src/storage/conformance/records.js'
import { run } from '../../support/child.js'
import {
  backDoor, databaseNames, emptyPlace, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../../support/databases.js'

const time = (minutes: number) => new Date(Date.parse('2024-01-01T00:00:00.000Z') + minutes * 60_000).toISOString()

/** Returns an open storage whose trail has entries of these times. */
async function storageWith (t: Test, database: DatabaseName, times: string[]) {
  const place = emptyPlace(t, database)
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  for (const [n, at] of times.entries()) {
    await storage.createUser(newUser({ email: `${n}@x` }), newEntry('user.created', { at }))
  }
  const ids = async () => (await storage.listAudit({ order: 'asc', limit: 1000 })).map(({ id }) => Number(id))
  return { place, storage, ids }
}

for (const database of databaseNames) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('pruneAudit: deletes old entries after entries of a clock that was ahead', async (t) => {
      const minutes = [90, 1, 2, 95, 3, 50, 4, 5]
      const { storage, ids } = await storageWith(t, database, minutes.map(time))
      const batch = { before: time(10), now: time(60) }
      t.same(await storage.pruneAudit({ ...batch, limit: 3 }), { deleted: 2, last: '3' })
      t.same(await storage.pruneAudit({ ...batch, after: '3', limit: 3 }), { deleted: 1, last: undefined })
      t.same(await storage.pruneAudit({ ...batch, after: 'x', limit: 3 }), { deleted: 0, last: undefined })
      t.same(await ids(), [1, 4, 6, 7, 8])
      t.equal(await pruneAll(storage, { before: time(96), now: time(96), limit: 2 }), 5)
      t.same(await storage.pruneAudit({ ...batch, limit: 3 }), { deleted: 0 })
      await storage.createUser(newUser(), newEntry('user.created'))
      t.same(await ids(), [9], 'keys are not used again')
    })

    t.test('pruneAudit: deletes nothing too early for a caller whose clock is ahead', async (t) => {
      const year = 365 * 24 * 60
      const times = [-3 * year, -2 * year, -year, 0, 5, 2 * year].map((minutes) =>
        new Date(Date.now() + minutes * 60_000).toISOString())
      const { storage, ids } = await storageWith(t, database, times)
      // The caller deletes entries that are 18 months old, but is ten years ahead.
      const ahead = (minutes: number) => new Date(Date.now() + (10 * year + minutes) * 60_000).toISOString()
      t.equal(await pruneAll(storage, { before: ahead(-1.5 * year), now: ahead(0), limit: 10 }), 2)
      t.same(await ids(), [3, 4, 5, 6])
      // A caller whose clock is behind deletes less.
      t.equal(await pruneAll(storage, { before: time(0), now: time(1), limit: 2 }), 0)
      t.same(await ids(), [3, 4, 5, 6])
    })
  })
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('pruneAudit: three processes delete each old entry once, even after kill -9', async (t) => {
      const { place, storage } = await storageWith(t, database, [])
      const { db, prefix } = backDoor(t, place)
      const [old, ahead, young] = [650, 150, 100]
      // The clock that was ahead wrote the first entries, and then each eighth one. The last entries are young.
      const minuteOf = (n: number) => n > old + ahead ? 500 : n <= 60 || n % 8 === 0 ? 2000 : n % 60
      const total = old + ahead + young
      for (let n = 1; n <= total; n += 100) {
        const rows = Array.from({ length: 100 }, (_, i) => (
          { id: n + i, at: Date.parse(time(minuteOf(n + i))), action: 1, user_id: 1 }
        ))
        await db.insertInto(`${prefix}audit`).values(rows).execute()
      }
      // SQLite has given these keys out, and the counter of other databases has not.
      await storage.open()
      const kept = Array.from({ length: total }, (_, i) => i + 1).filter((n) => minuteOf(n) >= 500)
      const start = () => run(t, 'test/support/fixtures/prune-entries.ts', { args: [place, time(100), time(1000)] })
      const processes = [start(), start(), start()]
      let isPruning = true
      const changes = (async () => {
        for (let n = 0; ; n++) {
          if (!isPruning) return
          await storage.createUser(newUser({ email: `late-${n}@x` }), newEntry('user.created', { at: time(600) }))
          kept.push(total + 1 + n)
          await sleep(5)
        }
      })()
      for (const pruner of processes.slice(0, 2)) {
        // A process that starts late may find nothing to delete, and end.
        await pruner.line(/^deleted [1-7]/).catch(() => {})
        pruner.process.kill('SIGKILL')
      }
      processes.push(start())
      const exits = await Promise.all(processes.map(({ exit }) => exit))
      isPruning = false
      await changes
      t.same(exits.slice(2), [0, 0], processes.map((process) => process.output()).join(''))
      const rows = await db.selectFrom(`${prefix}audit`).select('id').orderBy('id').execute()
      t.same(rows.map(({ id }) => Number(id)), kept, 'no old entry is left, and no other entry is deleted')
      const counted = processes.flatMap((process) => [...process.output().matchAll(/^deleted (\d+)$/gm)])
        .reduce((sum, [, count]) => sum + Number(count), 0)
      const deleted = total - kept.filter((n) => n <= total).length
      // A process that is killed may have deleted one batch without printing it.
      t.ok(counted <= deleted && counted >= deleted - 2 * 7, `${counted} counted of ${deleted} deleted entries`)
      t.comment(`${exits.join(' ')}: ${counted} counted of ${deleted} deleted entries`)
    })
  })
}
