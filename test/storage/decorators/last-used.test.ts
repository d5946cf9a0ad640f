import { AsyncLocalStorage } from 'node:async_hooks'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { StorageAdapter } from '../../../src/index.js'
import { createLastUsed } from '../../../src/storage/decorators/last-used.js'

// The timers under test do not keep the process alive.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

function lastUsed (touchTokens: StorageAdapter['touchTokens'], onFault = noFault, timeout = 10_000) {
  return createLastUsed({ touchTokens }, timeout, onFault)
}

const at = (time: string) => Date.parse(`2024-01-01T${time}Z`)
const noFault = (fault: unknown): unknown => { throw fault }

t.test('close: writes the gathered uses, to the minute', async (t) => {
  const calls: Array<[string[], string]> = []
  const use = lastUsed(async (ids, minute) => { calls.push([[...ids], minute]) })
  use.note('1', null, at('12:00:59.999'))
  for (let i = 0; i < 1000; i++) use.note('1', null, at('12:00:59.999'))
  use.note('2', '2024-01-01T12:00:00.000Z', at('12:00:30.000'))
  use.note('3', '2024-01-01T11:59:00.000Z', at('12:00:00.000'))
  use.note('4', null, at('12:01:00.000'))
  t.same(calls, [], 'no write before close')
  await use.close()
  t.same(calls, [[['1', '3'], '2024-01-01T12:00:00.000Z'], [['4'], '2024-01-01T12:01:00.000Z']])
  await use.close()
  t.equal(calls.length, 2, 'once')
})

t.test('close: writes in batches of 500 tokens', async (t) => {
  const sizes: number[] = []
  const use = lastUsed(async (ids) => { sizes.push(ids.length) })
  for (let i = 0; i < 1201; i++) use.note(String(i), null, at('12:00:00.000'))
  await use.close()
  t.same(sizes, [500, 500, 201])
})

t.test('note: the use is written within five seconds', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const use = lastUsed(async (ids) => { calls.push(...ids) })
  use.note('1', null, at('12:00:00.000'))
  mock.timers.tick(4_999)
  await sleep(1)
  t.same(calls, [])
  mock.timers.tick(1)
  await sleep(1)
  t.same(calls, ['1'])
  await use.close()
})

t.test('write: is repeated after a fault and loses no use noted meanwhile', async (t) => {
  let down = true
  const faults: unknown[] = []
  const calls: Array<[string[], string]> = []
  const use = lastUsed(async (ids, minute) => {
    if (down) throw new Error('down')
    calls.push([[...ids], minute])
    if (calls.length === 1) use.note('1', null, at('12:05:00.000'))
  }, (fault) => faults.push(fault))
  use.note('1', null, at('12:00:00.000'))
  await use.close()
  t.same(calls, [])
  t.match(faults, [{ code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', fault: { message: 'down' } }])
  down = false
  await use.close()
  t.same(calls, [[['1'], '2024-01-01T12:00:00.000Z']])
  await use.close()
  t.same(calls[1], [['1'], '2024-01-01T12:05:00.000Z'])
})

t.test('write: makes one call at a time when the storage is slow', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let calls = 0
  const use = lastUsed(async () => {
    calls++
    await sleep(20)
    throw new Error('slow')
  }, () => {})
  use.note('1', null, at('12:00:00.000'))
  for (let i = 0; i < 20; i++) mock.timers.tick(5_000)
  await use.close()
  t.equal(calls, 2)
})

t.test('write: gives requests a turn between batches', async (t) => {
  const use = lastUsed(async () => {})
  for (let i = 0; i < 5_000; i++) use.note(String(i), null, at('12:00:00.000'))
  let turns = 0
  const count = () => { turns++; immediate = setImmediate(count) }
  let immediate = setImmediate(count)
  await use.close()
  clearImmediate(immediate)
  t.ok(turns >= 9, `${turns} turns`)
})

t.test('note: a use is written once a minute when a cache hides the write', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const use = lastUsed(async (ids, minute) => { calls.push(`${ids} ${minute.slice(11, 16)}`) })
  const noteAndWrite = async (time: string) => {
    use.note('1', null, at(time))
    mock.timers.tick(5_000)
    await sleep(1)
  }
  for (const time of ['12:00:00.000', '12:00:20.000', '12:00:59.999', '12:01:00.000', '12:01:30.000']) {
    await noteAndWrite(time)
  }
  t.same(calls, ['1 12:00', '1 12:01'])
  await use.close()
  t.equal(calls.length, 2)
})

t.test('note: a use is written when an older write ends in its minute', async (t) => {
  const calls: string[] = []
  const use = lastUsed(async (ids, minute) => {
    calls.push(`${ids} ${minute.slice(11, 16)}`)
    // A use of another token starts the next minute.
    if (calls.length === 1) use.note('2', null, at('12:01:00.000'))
  })
  use.note('1', null, at('12:00:59.999'))
  await use.close()
  use.note('1', null, at('12:01:00.001'))
  await use.close()
  t.same(calls, ['1 12:00', '2,1 12:01'])
})

t.test('write: keeps the uses and starts no other call when a call hangs', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const faults: unknown[] = []
  const calls: string[][] = []
  const hanging: Array<() => void> = []
  const use = lastUsed((ids) => {
    calls.push([...ids])
    return new Promise<void>((resolve) => { hanging.push(resolve) })
  }, (fault) => faults.push(fault), 20)
  use.note('1', null, at('12:00:00.000'))
  mock.timers.tick(5_000)
  while (faults.length === 0) await sleep(5)
  for (let minute = 1; minute <= 9; minute++) {
    use.note('1', null, at(`12:0${minute}:00.000`))
    use.note('2', null, at(`12:0${minute}:00.000`))
    mock.timers.tick(5_000)
    await sleep(1)
  }
  await use.close()
  await use.close()
  t.same(calls, [['1']], 'the interval starts no second call')
  t.match(faults, [{ storageCode: 'TIMEOUT' }], 'onFault is called once')
  t.equal(faults.length, 1)

  hanging.shift()?.()
  await sleep(1)
  const closing = use.close()
  await sleep(1)
  hanging.shift()?.()
  await closing
  t.same(calls, [['1'], ['1', '2']], 'uses noted meanwhile')
  await use.close()
  t.equal(calls.length, 2, 'all is written')
})

t.test('write: starts again when a call hangs and then fails', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const faults: unknown[] = []
  const calls: string[][] = []
  let fail!: (error: Error) => void
  const use = lastUsed((ids) => {
    calls.push([...ids])
    return calls.length > 1 ? Promise.resolve() : new Promise<void>((_resolve, reject) => { fail = reject })
  }, (fault) => faults.push(fault), 20)
  use.note('1', null, at('12:00:00.000'))
  mock.timers.tick(5_000)
  while (faults.length === 0) await sleep(5)
  fail(new Error('the lock was not given up'))
  await sleep(1)
  mock.timers.tick(5_000)
  await sleep(1)
  t.same(calls, [['1'], ['1']])
  t.equal(faults.length, 1, 'a late fault is not reported again')
  await use.close()
})

t.test('close: waits for a write under way and writes the rest', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[][] = []
  const use = lastUsed(async (ids) => {
    calls.push([...ids])
    await sleep(20)
  })
  use.note('1', null, at('12:00:00.000'))
  mock.timers.tick(5_000)
  use.note('2', null, at('12:00:00.000'))
  await use.close()
  t.same(calls, [['1'], ['2']])
})

t.test('write: calls onFault when touchTokens throws synchronously', async (t) => {
  const faults: unknown[] = []
  const use = lastUsed(() => { throw new Error('down') }, (fault) => faults.push(fault))
  use.note('1', null, at('12:00:00.000'))
  await use.close()
  await use.close()
  t.match(faults, [{ fault: { message: 'down' } }, { fault: { message: 'down' } }])
})

t.test('write: runs in the async context of the registration', async (t) => {
  const { setInterval } = globalThis
  // setInterval of mock.timers keeps no async context.
  const quick = mock.method(globalThis, 'setInterval', (run: () => void) => setInterval(run, 5))
  t.teardown(() => quick.mock.restore())
  const contexts = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const use = contexts.run('registration', () => lastUsed(async () => {
    seen.push(contexts.getStore())
    await sleep(1)
    seen.push(contexts.getStore())
  }))
  contexts.run('request 1', () => use.note('1', null, at('12:00:00.000')))
  while (seen.length < 2) await sleep(1)
  contexts.run('request 2', () => use.note('2', null, at('12:01:00.000')))
  while (seen.length < 4) await sleep(1)
  t.same(seen, Array(4).fill('registration'))
  await use.close()
})
