import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openVexaAdmin } from '../../../src/index.js'
import { createAuditRetention } from '../../../src/storage/decorators/audit-retention.js'
import type { AuditPruneBatch, AuditTrail } from '../../../src/storage/storage-adapter.js'
import { backDoor, emptyPlace, emptyStorage, storageAt } from '../../support/databases.js'
import { faultyStorage, hanging, throwing } from '../../support/faulty-storage.js'
import { build, call } from '../../support/helpers.js'

// The timers under test do not keep the process alive.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

const hour = 3600 * 1000
const now = Date.parse('2024-01-31T12:00:00.000Z')
const noFault = (fault: unknown): unknown => { throw fault }

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}

function mockTime (t: Test): void {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now })
  t.teardown(() => mock.timers.reset())
}

function retention (pruneAudit: AuditTrail['pruneAudit'], days = 30, onFault = noFault, timeout = 10_000) {
  return createAuditRetention({ pruneAudit }, days, timeout, onFault)
}

t.test('start: deletes old entries at once and each hour, in batches of 500', async (t) => {
  mockTime(t)
  const calls: AuditPruneBatch[] = []
  const answers = [{ deleted: 500, last: '500' }, { deleted: 0, last: '1000' }]
  const pruning = retention(async (batch) => {
    calls.push(batch)
    return answers.shift() ?? { deleted: 1 }
  })
  t.same(calls, [])
  pruning.start()
  await until(() => calls.length >= 3)
  await sleep(5)
  const batch = { before: '2024-01-01T12:00:00.000Z', now: '2024-01-31T12:00:00.000Z', limit: 500 }
  const batches = [undefined, '500', '1000'].map((after) => ({ ...batch, after }))
  t.same(calls.splice(0), batches, 'until there is no last entry')
  mock.timers.tick(hour - 1)
  await sleep(5)
  t.same(calls, [])
  mock.timers.tick(1)
  await until(() => calls.length >= 1)
  await sleep(5)
  const later = { before: '2024-01-01T13:00:00.000Z', now: '2024-01-31T13:00:00.000Z' }
  t.same(calls.splice(0), [{ ...batch, ...later, after: undefined }])
  await pruning.close()
  mock.timers.tick(5 * hour)
  await sleep(5)
  t.same(calls, [], 'nothing after close')
})

t.test('start: no time is before 1970, however long the retention is', async (t) => {
  const times: string[] = []
  const pruning = retention(async ({ before }) => {
    times.push(before)
    return { deleted: 0 }
  }, 36_500)
  pruning.start()
  await pruning.close()
  t.same(times, ['1970-01-01T00:00:00.000Z'])
})

t.test('start: gives requests a turn between batches', async (t) => {
  let left = 20
  const pruning = retention(async () => left-- > 0 ? { deleted: 500, last: `${left}` } : { deleted: 0 })
  let turns = 0
  const count = () => { turns++; immediate = setImmediate(count) }
  let immediate = setImmediate(count)
  pruning.start()
  await until(() => left < 0)
  clearImmediate(immediate)
  await pruning.close()
  t.ok(turns >= 19, `${turns} turns`)
})

t.test('close: waits for the batch under way only', async (t) => {
  let calls = 0
  let done = 0
  const pruning = retention(async () => {
    calls++
    await sleep(20)
    done++
    return { deleted: 500, last: '500' }
  })
  pruning.start()
  await pruning.close()
  t.same([calls, done], [1, 1])
  await retention(async () => ({ deleted: 0 })).close()
})

t.test('start: continues an hour after a fault', async (t) => {
  mockTime(t)
  const faults: unknown[] = []
  let calls = 0
  const answers: Array<() => unknown> = [
    () => { throw new Error('down') }, async () => { throw new Error('down') }, async () => 500,
    async () => ({ deleted: 0 })
  ]
  const pruning = retention((() => answers[calls++]?.()) as AuditTrail['pruneAudit'], 1, (fault) => faults.push(fault))
  pruning.start()
  for (let hours = 1; hours <= 3; hours++) {
    await until(() => faults.length === hours)
    await sleep(5)
    t.equal(calls, hours)
    mock.timers.tick(hour)
  }
  await until(() => calls === 4)
  t.match(faults, [
    { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', fault: { message: 'down' } }, { fault: { message: 'down' } },
    { storageCode: 'INVALID_RECORD' }
  ])
  t.equal(faults.length, 3)
  await pruning.close()
})

t.test('start: makes no second call while the storage does not answer the first', async (t) => {
  mockTime(t)
  const faults: unknown[] = []
  let calls = 0
  let answer!: (pruned: { deleted: number, last: string }) => void
  const pruning = retention(() => {
    calls++
    return new Promise((resolve) => { answer = resolve })
  }, 1, (fault) => faults.push(fault), 20)
  pruning.start()
  mock.timers.tick(hour)
  await until(() => faults.length > 0)
  mock.timers.tick(2 * hour)
  await sleep(5)
  t.equal(calls, 1)
  t.match(faults, [{ storageCode: 'TIMEOUT' }])
  answer({ deleted: 500, last: '500' })
  await sleep(5)
  mock.timers.tick(hour)
  await until(() => calls === 2)
  await pruning.close()
  t.equal(faults.length, 2, 'close waits until the timeout')
})

/** Fills a place with changes that are 40 days old. */
async function fill (place: string, count: number): Promise<void> {
  mock.timers.enable({ apis: ['Date'], now: Date.now() - 40 * 24 * hour })
  const { users, close } = await openVexaAdmin({ storage: storageAt(place), audit: true })
  await users.create({ email: 'a@b' })
  for (let n = 1; n < count; n++) await users.update('user-1', { name: `${n}` })
  await close()
  mock.timers.reset()
}

t.test('audit: the start deletes entries that are older than the retention', async (t) => {
  const place = emptyPlace(t)
  await fill(place, 3)
  const idsWith = async (audit: true | { retention: number }) => {
    const { users, audit: trail, close } = await openVexaAdmin({ storage: storageAt(place), audit })
    await users.update('user-1', { name: 'new' })
    // This wait is longer than the pruning takes on a busy machine.
    await sleep(200)
    const ids = (await trail.list({ order: 'asc' })).map(({ id }) => id)
    await close()
    return ids
  }
  t.same(await idsWith(true), ['audit-1', 'audit-2', 'audit-3', 'audit-4'])
  t.same(await idsWith({ retention: 41 }), ['audit-1', 'audit-2', 'audit-3', 'audit-4', 'audit-5'])
  t.same(await idsWith({ retention: 39 }), ['audit-4', 'audit-5', 'audit-6'])
  t.same(await idsWith({ retention: 1 }), ['audit-4', 'audit-5', 'audit-6', 'audit-7'], 'no id is used again')
})

t.test('audit: thousands of entries from the future do not stop the deletion', async (t) => {
  const place = emptyPlace(t)
  await fill(place, 3)
  const { db, prefix } = backDoor(t, place)
  // The three old entries come after 2500 that a process wrote whose clock was ten years ahead.
  await db.updateTable(`${prefix}audit`).set(({ eb }) => ({ id: eb('id', '+', 5000) })).execute()
  const at = Date.now() + 10 * 365 * 24 * hour
  for (let n = 1; n <= 2500; n += 100) {
    const rows = Array.from({ length: 100 }, (_, i) => ({ id: n + i, at, action: 1, user_id: 2 }))
    await db.insertInto(`${prefix}audit`).values(rows).execute()
  }
  const { audit, close } = await openVexaAdmin({ storage: storageAt(place), audit: { retention: 39 } })
  while ((await audit.list({ user_id: 'user-1' })).length > 0) await sleep(5)
  const { count } = await db.selectFrom(`${prefix}audit`).select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  t.equal(Number(count), 2500)
  await close()
})

t.test('audit: retention is off the path of requests, and its faults are logged', async (t) => {
  for (const [pruneAudit, code] of [[throwing(), undefined], [hanging(), 'TIMEOUT']] as const) {
    let log = ''
    const stream = { write: (line: string) => { log += line } }
    const storage = faultyStorage(emptyStorage(t), { pruneAudit })
    const app = await build(t, { storage, audit: { retention: 1 }, storageTimeout: 800 }, {
      logger: { level: 'warn', stream }
    })
    t.equal((await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })).statusCode, 201)
    t.equal((await call(app, 'GET', '/admin/audit')).json().length, 1)
    await app.close()
    const lines = log.trim().split('\n').map((line) => JSON.parse(line))
    t.match(lines, [{ msg: 'old entries of the audit trail cannot be deleted now', err: { storageCode: code } }])
    t.equal(lines.length, 1)
    t.notMatch(log, /\bdown\b|\.[jt]s:\d/)
  }
})

t.test('openVexaAdmin: emits a warning when old entries cannot be deleted', async (t) => {
  const warnings: string[] = []
  const listener = ({ message }: Error) => { warnings.push(message) }
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const storage = faultyStorage(emptyStorage(t), { pruneAudit: throwing() })
  const { close } = await openVexaAdmin({ storage, audit: { retention: 1 } })
  await close()
  await new Promise(setImmediate)
  t.same(warnings, ['fastify-vexa-admin: old entries of the audit trail cannot be deleted now'])
})
