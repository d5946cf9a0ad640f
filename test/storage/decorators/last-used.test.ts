import { AsyncLocalStorage } from 'node:async_hooks'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { StorageAdapter } from '../../../src/index.js'
import { createLastUsed } from '../../../src/storage/decorators/last-used.js'

// Our timers do not keep it alive, on purpose.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

function lastUsed (touchTokens: StorageAdapter['touchTokens'], onFault: (fault: unknown) => void = noFault, timeout = 10_000) {
  return createLastUsed({ touchTokens }, timeout, onFault)
}

const at = (time: string) => Date.parse(`2024-01-01T${time}Z`)
const noFault = (fault: unknown) => { throw fault }

t.test('uses are gathered, to the minute, and written when it closes', async (t) => {
  const calls: Array<[string[], string]> = []
  const use = lastUsed(async (ids, minute) => { calls.push([[...ids], minute]) })
  use.note('1', null, at('12:00:59.999'))
  for (let i = 0; i < 1000; i++) use.note('1', null, at('12:00:59.999'))
  use.note('2', '2024-01-01T12:00:00.000Z', at('12:00:30.000'))
  use.note('3', '2024-01-01T11:59:00.000Z', at('12:00:00.000'))
  use.note('4', null, at('12:01:00.000'))
  t.same(calls, [], 'no write on the way')
  await use.close()
  t.same(calls, [[['1', '3'], '2024-01-01T12:00:00.000Z'], [['4'], '2024-01-01T12:01:00.000Z']])
  await use.close()
  t.equal(calls.length, 2, 'once')
})

t.test('many are written in batches', async (t) => {
  const sizes: number[] = []
  const use = lastUsed(async (ids) => { sizes.push(ids.length) })
  for (let i = 0; i < 1201; i++) use.note(String(i), null, at('12:00:00.000'))
  await use.close()
  t.same(sizes, [500, 500, 201])
})

t.test('they are written every few seconds', async (t) => {
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

t.test('what could not be written is written later, and a use noted meanwhile is not lost', async (t) => {
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

t.test('a slow storage is not asked again before it has answered, and closing waits for one answer more', async (t) => {
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

t.test('others get their turn while many are written', async (t) => {
  const use = lastUsed(async () => {})
  for (let i = 0; i < 5_000; i++) use.note(String(i), null, at('12:00:00.000'))
  let turns = 0
  const count = () => { turns++; immediate = setImmediate(count) }
  let immediate = setImmediate(count)
  await use.close()
  clearImmediate(immediate)
  t.ok(turns >= 9, `${turns} turns`)
})

t.test('what is written is not written again in its minute, though who notes it has not seen that', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const use = lastUsed(async (ids, minute) => { calls.push(`${ids} ${minute.slice(11, 16)}`) })
  const noteAndWrite = async (time: string) => {
    use.note('1', null, at(time))
    mock.timers.tick(5_000)
    await sleep(1)
  }
  for (const time of ['12:00:00.000', '12:00:20.000', '12:00:59.999', '12:01:00.000', '12:01:30.000']) await noteAndWrite(time)
  t.same(calls, ['1 12:00', '1 12:01'])
  await use.close()
  t.equal(calls.length, 2)
})

t.test('a write that ends in the next minute does not stand for a use in that minute', async (t) => {
  const calls: string[] = []
  const use = lastUsed(async (ids, minute) => {
    calls.push(`${ids} ${minute.slice(11, 16)}`)
    // Another token begins the minute.
    if (calls.length === 1) use.note('2', null, at('12:01:00.000'))
  })
  use.note('1', null, at('12:00:59.999'))
  await use.close()
  use.note('1', null, at('12:01:00.001'))
  await use.close()
  t.same(calls, ['1 12:00', '2,1 12:01'])
})

t.test('a write that hangs: no other starts, close does not wait for it, and uses are kept', async (t) => {
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
  t.same(calls, [['1']], 'one call, however often it is time for another')
  t.match(faults, [{ storageCode: 'TIMEOUT' }], 'the operator reads of it once')
  t.equal(faults.length, 1)

  hanging.shift()?.()
  await sleep(1)
  const closing = use.close()
  await sleep(1)
  hanging.shift()?.()
  await closing
  t.same(calls, [['1'], ['1', '2']], 'what was noted meanwhile')
  await use.close()
  t.equal(calls.length, 2, 'all is written')
})

t.test('a write that hangs and then fails: the next write starts', async (t) => {
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
  t.equal(faults.length, 1, 'the fault of a write that is late is known already')
  await use.close()
})

t.test('close waits for a write under way as long as a storage may take, and writes the rest', async (t) => {
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

t.test('a storage that throws at once is no different from one that rejects', async (t) => {
  const faults: unknown[] = []
  const use = lastUsed(() => { throw new Error('down') }, (fault) => faults.push(fault))
  use.note('1', null, at('12:00:00.000'))
  await use.close()
  await use.close()
  t.match(faults, [{ fault: { message: 'down' } }, { fault: { message: 'down' } }])
})

t.test("uses are written in no request's async context", async (t) => {
  const { setInterval } = globalThis
  // That of mock.timers knows no contexts.
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
