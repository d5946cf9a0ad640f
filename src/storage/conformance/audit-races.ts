import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditAction, AuditedStorageAdapter, AuditRecord, NewAuditRecord } from '../storage-adapter.js'
import { entriesOf, newEntry, pruneAll, writeEntries } from './audit-changes.js'
import { ifAudited, type Cases } from './case.js'
import { createToken, createUser, newToken, newUser, time } from './records.js'

const clients = 10
const isOutcome = (answer: unknown) => answer === false || typeof answer === 'string'

/** Makes the changes of one client, each with its own `request_id`. Returns the entries that the trail must have. */
async function makeChanges (storage: AuditedStorageAdapter, client: number): Promise<Array<Partial<AuditRecord>>> {
  const expected: Array<Partial<AuditRecord>> = []
  const change = async <T>(
    action: AuditAction, make: (entry: NewAuditRecord) => Promise<T | string>, keysOf: (made: T) => Partial<AuditRecord>
  ): Promise<T> => {
    const entry = newEntry(action, { request_id: `${client}-${expected.length}`, at: time(client) })
    const made = await make(entry)
    if (typeof made === 'string') assert.fail(`${action}: a change returned '${made}'`)
    expected.push({ ...entry, token_id: null, successor_id: null, ...keysOf(made) })
    return made
  }
  for (let round = 0; round < 3; round++) {
    const user = await change(
      'user.created', (entry) => storage.createUser(newUser({ email: `${client}-${round}@x` }), entry),
      ({ id }) => ({ user_id: id })
    )
    const keys = { user_id: user.id }
    const hash = 3 * (client * 3 + round)
    const token = await change(
      'token.created', (entry) => storage.createToken(newToken(user.id, hash), entry),
      ({ id }) => ({ ...keys, token_id: id })
    )
    await change('user.updated', (entry) => storage.updateUser(user.id, { name: 'x' }, undefined, entry), () => keys)
    await change(
      'token.rotated',
      (entry) => storage.rotateToken(
        token.id, () => ({ expires_at: time(50), successor: newToken(user.id, hash + 1) }), entry
      ),
      ({ id }) => ({ ...keys, token_id: token.id, successor_id: id })
    )
    await change('token.revoked', (entry) => storage.revokeToken(token.id, entry),
      () => ({ ...keys, token_id: token.id }))
    if (round > 0) await change('user.deleted', (entry) => storage.deleteUser(user.id, undefined, entry), () => keys)
  }
  return expected
}

/**
 * Lets ten clients change users and tokens, while a reader follows the trail. Half of the clients use `one`, and the
 * others use `other`. Throws unless the reader gets one entry for each change, in the order of the trail.
 */
export async function assertFollowed (one: AuditedStorageAdapter, other: AuditedStorageAdapter): Promise<void> {
  let isRunning = true
  const changes = Promise.all(Array.from({ length: clients }, (_, n) => makeChanges(n % 2 === 0 ? one : other, n)))
    .finally(() => { isRunning = false })
  const followed: AuditRecord[] = []
  const follow = async () => {
    let isOver = false
    while (!isOver) {
      const wasRunning = isRunning
      const page = await entriesOf(other, { after: followed.at(-1)?.id, limit: 5 })
      followed.push(...page)
      // The reader is done if it gets an empty page after all changes were made.
      isOver = !wasRunning && page.length === 0
      if (page.length === 0) await sleep(1)
    }
  }
  const [made] = await Promise.all([changes, follow()])
  const trail = await entriesOf(one)
  assert.deepEqual(followed.map(({ id }) => id), trail.map(({ id }) => id), 'entries that the reader got')
  for (const [client, expected] of made.entries()) {
    const written = trail.filter((entry) => entry.request_id?.startsWith(`${client}-`))
    assert.deepEqual(written.map(({ id: _, ...entry }) => entry), expected, 'entries of one client')
  }
}

/**
 * Makes each change by ten calls at once. Throws unless there is only one entry, which the call that succeeded has
 * written.
 */
export async function assertOneEntry (one: AuditedStorageAdapter, other: AuditedStorageAdapter): Promise<void> {
  const { id: userId, revision } = await createUser(one)
  const [{ id: revoked }, { id: rotated }] = [await createToken(one, userId, 101), await createToken(one, userId, 102)]
  type Call = (storage: AuditedStorageAdapter, n: number, entry: NewAuditRecord) => Promise<unknown>
  const calls: Array<[action: AuditAction, call: Call]> = [
    ['user.created', (storage, _n, entry) => storage.createUser(newUser({ email: 'new@x' }), entry)],
    ['user.updated', (storage, _n, entry) => storage.updateUser(userId, { name: 'x' }, revision, entry)],
    ['token.revoked', (storage, _n, entry) => storage.revokeToken(revoked, entry)],
    ['token.rotated', (storage, n, entry) =>
      storage.rotateToken(rotated, () => ({ expires_at: null, successor: newToken(userId, n) }), entry)],
    ['token.revoked', (storage, _n, entry) => storage.revokeTokens(userId, entry)],
    ['user.deleted', (storage, _n, entry) => storage.deleteUser(userId, undefined, entry)]
  ]
  let after: string | undefined
  for (const [action, call] of calls) {
    const answers = await Promise.all(Array.from({ length: clients }, (_, n) =>
      call(n % 2 === 0 ? one : other, n, newEntry(action, { request_id: `${n}` }))))
    const done = answers.flatMap((answer, n) => isOutcome(answer) ? [] : [`${n}`])
    const entries = await entriesOf(one, { after })
    assert.equal(entries.length, 1, `number of entries of ten calls at once: ${action}`)
    // The answer of `revokeTokens` does not tell which call has revoked the tokens, so any call may have written the
    // entry.
    if (done.length < clients) assert.deepEqual(entries.map((entry) => entry.request_id), done, action)
    after = entries[0]?.id
  }
}

/**
 * Prunes four times at once: twice with `one`, and twice with `other`. Throws unless the counts add up to the number of
 * deleted entries.
 */
export async function assertPrunedOnce (one: AuditedStorageAdapter, other: AuditedStorageAdapter): Promise<void> {
  // Each seventh of the first 40 entries is from a clock that was ahead. The last ten entries are too young to be
  // deleted.
  const minuteOf = (n: number) => n >= 40 ? 30 : n % 7 === 0 ? 50 : 0
  const entries = await writeEntries(one, Array.from({ length: 50 }, (_, n) => ({ at: time(minuteOf(n)) })))
  const counts = await Promise.all(Array.from({ length: 4 }, (_, n) =>
    pruneAll(n % 2 === 0 ? one : other, { before: time(1), now: time(40), limit: 5 })))
  assert.equal(counts.reduce((sum, count) => sum + count), 34, 'number of deleted entries that all calls report')
  assert.deepEqual(await entriesOf(other), entries.filter((_entry, n) => minuteOf(n) > 0), 'entries that are left')
}

export const auditRaces: Cases = ifAudited({
  'audit: a reader gets one entry for each change when 10 clients make changes': async ({ storage }) => {
    await assertFollowed(storage, storage)
  },

  'audit: 10 calls at once write one entry when one of them succeeds': async ({ storage }) => {
    await assertOneEntry(storage, storage)
  },

  'audit: 20 updates of one token at once write 20 entries': async ({ storage }) => {
    const { id: userId } = await createUser(storage)
    const { id } = await createToken(storage, userId, 1, { data: { count: 0 } })
    const numbers = Array.from({ length: 20 }, (_, n) => `${n}`)
    await Promise.all(numbers.map((n) => storage.updateToken(
      id, ({ data }) => ({ data: { count: (data?.count as number) + 1 } }), newEntry('token.updated', { request_id: n })
    )))
    const written = (await entriesOf(storage)).map((entry) => entry.request_id)
    assert.deepEqual(written.sort(), numbers.sort())
  },

  'pruneAudit: counts each entry once when called 4 times at once': async ({ storage }) => {
    await assertPrunedOnce(storage, storage)
  },

  'pruneAudit: leaves the entries of changes that are made at once': async ({ storage }) => {
    const old = await writeEntries(storage, Array.from({ length: 20 }, () => ({})))
    const { user_id: userId } = old[0] as AuditRecord
    const late = Array.from({ length: 10 }, (_, n) => newEntry('user.updated', { at: time(9), request_id: `${n}` }))
    const update = (entry: NewAuditRecord) => storage.updateUser(userId, {}, undefined, entry)
    const [, { deleted }] = await Promise.all([
      Promise.all(late.slice(0, 5).map(update)),
      storage.pruneAudit({ before: time(5), now: time(10), limit: 100 }),
      Promise.all(late.slice(5).map(update))
    ])
    assert.equal(deleted, 20, 'number of deleted entries')
    const left = (await entriesOf(storage)).map((entry) => entry.request_id)
    assert.deepEqual(left.sort(), late.map((entry) => entry.request_id).sort())
  }
})

/** Cases that run only if the option `share` is given. */
export const auditSharing: Cases = ifAudited({
  'sharing: the audit trail has the changes of both processes in one order': async ({ storage, share }) => {
    const storages = [storage, await share(storage)] as const
    const { id } = await createUser(storage)
    for (let n = 0; n < 12; n++) {
      const entry = newEntry('user.updated', { request_id: `${n}` })
      await storages[n % 2 as 0 | 1].updateUser(id, {}, undefined, entry)
      const lists = await Promise.all(storages.map((storage) => entriesOf(storage)))
      assert.deepEqual(lists[0]?.map((entry) => entry.request_id), Array.from({ length: n + 1 }, (_, i) => `${i}`))
      assert.deepEqual(lists[1], lists[0])
    }
  },

  'sharing: a reader gets one entry for each change of two processes': async ({ storage, share }) => {
    await assertFollowed(storage, await share(storage))
  },

  'sharing: calls of two processes write one entry when one of them succeeds': async ({ storage, share }) => {
    await assertOneEntry(storage, await share(storage))
  },

  'sharing: pruneAudit counts each entry once when two processes call it': async ({ storage, share }) => {
    await assertPrunedOnce(storage, await share(storage))
  },

  'sharing: the audit trail remains after a restart, and reuses no key': async ({ storage, share }) => {
    const entries = await writeEntries(storage, [{}, {}, { at: time(5) }])
    const [first, second, third] = entries as [AuditRecord, AuditRecord, AuditRecord]
    await storage.close()
    const later = await share(storage)
    assert.deepEqual(await entriesOf(later), entries)
    assert.equal(await pruneAll(later, { before: time(9), now: time(9), limit: 10 }), 3)
    await later.close()
    const latest = await share(storage)
    await latest.updateUser(first.user_id, {}, undefined, newEntry('user.updated'))
    const [next] = await entriesOf(latest, { after: third.id })
    assert.ok(next, 'the first change after the restart has no entry, or an entry before those that were pruned')
    assert.ok(![first, second, third].some(({ id }) => id === next.id), 'a key was used again after a restart')
  }
})
