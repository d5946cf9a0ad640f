import assert from 'node:assert/strict'
import type { AuditPruneBatch, AuditRecord } from '../storage-adapter.js'
import { entriesOf, newEntry, pruneAll, writeEntries } from './audit-changes.js'
import { ifAudited, type Cases } from './case.js'
import { createToken, strangeKeys, time } from './records.js'

const keysOf = (entries: readonly AuditRecord[]) => entries.map(({ id }) => id)
const entriesAt = (...minutes: number[]) => minutes.map((minute) => ({ at: time(minute) }))

export const auditPruning: Cases = ifAudited({
  'pruneAudit: deletes entries before a time, in batches of at most limit': async ({ storage }) => {
    const now = time(59)
    const none = await storage.pruneAudit({ before: now, now, limit: 10 })
    assert.deepEqual([none.deleted, none.last ?? undefined], [0, undefined], 'pruneAudit of an empty trail')
    const entries = await writeEntries(storage, entriesAt(0, 1, 2, 3, 4, 5, 6, 7, 8))
    const prune = async (batch: Omit<AuditPruneBatch, 'now'>, deleted: number, last: number | undefined) => {
      const before = await entriesOf(storage)
      const answer = await storage.pruneAudit({ ...batch, now })
      const message = `pruneAudit of ${JSON.stringify(batch)}`
      assert.equal(answer.deleted, deleted, `${message}: deleted`)
      assert.equal(answer.last ?? undefined, last === undefined ? undefined : entries[last]?.id, `${message}: last`)
      assert.deepEqual(await entriesOf(storage), before.slice(deleted), message)
    }
    await prune({ before: time(0), limit: 10 }, 0, undefined)
    await prune({ before: time(7), limit: 3 }, 3, 2)
    await prune({ before: time(7), limit: 1, after: entries[2]?.id }, 1, 3)
    await prune({ before: time(7), limit: 10, after: entries[3]?.id }, 3, undefined)
    await prune({ before: time(7), limit: 10, after: undefined }, 0, undefined)
    await prune({ before: time(59), limit: 2 }, 2, 8)
    await prune({ before: time(59), limit: 2, after: entries[8]?.id }, 0, undefined)
  },

  'pruneAudit: ends at the first entry that is neither old nor later than now': async ({ storage }) => {
    const before = '2024-01-01T12:30:00.123Z'
    const entries = await writeEntries(storage, [
      { at: '2024-01-01T12:30:00.122Z' }, { at: before }, ...entriesAt(1, 40, 2, 50, 3, 59)
    ])
    for (const after of [undefined, entries[1]?.id, entries[3]?.id]) {
      for (const expected of [1, 0]) {
        const { deleted, last } = await storage.pruneAudit({ before, now: time(50), after, limit: 10 })
        assert.deepEqual([deleted, last ?? undefined], [expected, undefined], `deleted and last after ${after}`)
      }
    }
    assert.deepEqual(await entriesOf(storage), entries.filter((_entry, n) => ![0, 2, 4].includes(n)))
  },

  'pruneAudit: leaves entries that are later than now, and goes on after them': async ({ storage }) => {
    const entries = await writeEntries(storage, [
      ...entriesAt(55, 56, 57, 55, 1, 58, 2, 3), { at: '2024-01-01T12:50:00.124Z' }, ...entriesAt(4, 50, 5)
    ])
    const left = [0, 1, 2, 3, 5, 8, 10, 11].map((n) => entries[n])
    assert.equal(await pruneAll(storage, { before: time(30), now: time(50), limit: 2 }), 4)
    assert.deepEqual(await entriesOf(storage), left)
    assert.equal(await pruneAll(storage, { before: time(30), now: time(50), limit: 2 }), 0)
    assert.deepEqual(await entriesOf(storage), left)
    const first = await storage.pruneAudit({ before: time(30), now: time(50), limit: 3 })
    assert.deepEqual(first, { deleted: 0, last: entries[2]?.id }, 'a batch of entries that are later than now')
  },

  'pruneAudit: leaves users, tokens and later entries in their order': async ({ storage }) => {
    const before = await writeEntries(storage, entriesAt(0, 1, 2))
    const { user_id: userId, id: last } = before[2] as AuditRecord
    const token = await createToken(storage, userId, 1)
    assert.equal(await pruneAll(storage, { before: time(59), now: time(59), limit: 10 }), 3)
    assert.deepEqual((await storage.findToken(token.id))?.token, token)
    for (let n = 0; n < 3; n++) await storage.updateUser(userId, {}, undefined, newEntry('user.updated'))
    const later = await entriesOf(storage)
    assert.equal(later.length, 3)
    assert.deepEqual(keysOf(later).filter((key) => keysOf(before).includes(key)), [], 'keys that are used again')
    assert.deepEqual(await entriesOf(storage, { after: last }), later, 'entries after one that was pruned')
    for (const after of strangeKeys(last)) {
      const { deleted } = await storage.pruneAudit({ before: time(0), now: time(59), after, limit: 10 })
      assert.equal(deleted, 0, `pruneAudit after ${after}`)
    }
  }
})
