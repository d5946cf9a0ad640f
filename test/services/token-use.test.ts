import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { StorageAdapter } from '../../src/index.js'
import { createTokenUse } from '../../src/services/token-use.js'

function fake (touchTokens: StorageAdapter['touchTokens']): StorageAdapter {
  return { touchTokens } as unknown as StorageAdapter
}

const at = (time: string) => Date.parse(`2024-01-01T${time}Z`)
const noFault = (fault: unknown) => { throw fault }

t.test('uses are gathered, to the minute, and written when it closes', async (t) => {
  const calls: Array<[string[], string]> = []
  const use = createTokenUse(fake(async (ids, minute) => { calls.push([[...ids], minute]) }), noFault)
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
  const use = createTokenUse(fake(async (ids) => { sizes.push(ids.length) }), noFault)
  for (let i = 0; i < 1201; i++) use.note(String(i), null, at('12:00:00.000'))
  await use.close()
  t.same(sizes, [500, 500, 201])
})

t.test('they are written every few seconds', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const use = createTokenUse(fake(async (ids) => { calls.push(...ids) }), noFault)
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
  const use = createTokenUse(fake(async (ids, minute) => {
    if (down) throw new Error('down')
    calls.push([[...ids], minute])
    if (calls.length === 1) use.note('1', null, at('12:05:00.000'))
  }), (fault) => faults.push(fault))
  use.note('1', null, at('12:00:00.000'))
  await use.close()
  t.same(calls, [])
  t.match(faults, [{ message: 'down' }])
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
  const use = createTokenUse(fake(async () => {
    calls++
    await sleep(20)
    throw new Error('slow')
  }), () => {})
  use.note('1', null, at('12:00:00.000'))
  for (let i = 0; i < 20; i++) mock.timers.tick(5_000)
  await use.close()
  t.equal(calls, 2)
})

t.test('others get their turn while many are written', async (t) => {
  const use = createTokenUse(fake(async () => {}), noFault)
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
  const use = createTokenUse(fake(async (ids, minute) => { calls.push(`${ids} ${minute.slice(11, 16)}`) }), noFault)
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
