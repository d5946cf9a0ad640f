import { mock } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import { createTurns } from '../../src/services/turns.js'

const never = () => new Promise<never>(() => {})

t.test('turns: calls with one key run in order, and others do not wait for them', async (t) => {
  const { inTurn } = createTurns(60_000)
  const log: string[] = []
  const run = (key: string, name: string) => inTurn(key, async () => {
    log.push(`${name} starts`)
    await setImmediate()
    log.push(`${name} ends`)
    return name
  })
  t.same(await Promise.all([run('1', 'a'), run('1', 'b'), run('2', 'c'), run('1', 'd')]), ['a', 'b', 'c', 'd'])
  t.same(log.filter((entry) => !entry.startsWith('c')), [
    'a starts', 'a ends', 'b starts', 'b ends', 'd starts', 'd ends'
  ])
  t.ok(log.indexOf('c ends') < log.indexOf('b ends'))
})

t.test('turns: a call that throws does not stop the next ones', async (t) => {
  const { inTurn } = createTurns(60_000)
  const fault = new Error('of the call')
  const results = await Promise.allSettled([
    inTurn('1', async () => { throw fault }), inTurn('1', async () => 2), inTurn('1', () => Promise.reject(fault)),
    inTurn('1', async () => 4)
  ])
  t.same(results, [
    { status: 'rejected', reason: fault }, { status: 'fulfilled', value: 2 }, { status: 'rejected', reason: fault },
    { status: 'fulfilled', value: 4 }
  ])
})

t.test('turns: a call that never ends delays the calls that wait for it only once', async (t) => {
  const { inTurn } = createTurns(300)
  inTurn('1', never)
  t.equal(await inTurn('2', async () => 'other key'), 'other key')
  const start = Date.now()
  t.same(await Promise.all([inTurn('1', async () => 1), inTurn('1', async () => 2)]), [1, 2])
  const waited = Date.now() - start
  t.ok(waited >= 295 && waited < 550, `${waited} ms`)
  t.equal(await inTurn('1', async () => 3), 3)
  t.ok(Date.now() - start - waited < 200, 'later calls do not wait')
  // A call that ends late starts none of the calls of a later line.
  const late = inTurn('1', () => setTimeout(400))
  await setTimeout(350)
  const log: string[] = []
  const holder = inTurn('1', async () => {
    await setTimeout(150)
    log.push('holder')
  })
  const waiting = inTurn('1', async () => { log.push('waiting') })
  await Promise.all([late, holder, waiting])
  t.same(log, ['holder', 'waiting'])
})

t.test('turns: a call waits at most `longestWait`, even for many short calls', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { inTurn } = createTurns(5000)
  let now = 0
  const log: string[] = []
  const enter = (name: string, time: number) => inTurn('1', () => new Promise<void>((resolve) => {
    log.push(`${now} ${name}`)
    globalThis.setTimeout(resolve, time)
  }))
  const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => enter(name, 1500))
  for (; now < 10_000; now += 500) {
    if (now === 4000) calls.push(enter('later', 0))
    await setImmediate()
    mock.timers.tick(500)
  }
  await Promise.all(calls)
  t.same(log, ['0 a', '1500 b', '3000 c', '4500 d', '5000 e', '5000 f', '6000 later'])
})

t.test('turns: a call by the holder runs at once, also inside of calls with other keys', async (t) => {
  const { inTurn, callAsHolder } = createTurns(60_000)
  const hold = <T>(key: string, call: () => Promise<T>) => inTurn(key, () => callAsHolder(key, call))
  t.equal(await hold('1', () => hold('1', () => hold('2', () => hold('1', async () => 'inner')))), 'inner')
  t.equal(await hold('1', async () => {
    await setImmediate()
    const [inner] = await Promise.all([inTurn('1', async () => 'later'), hold('2', async () => 2)])
    return inner
  }), 'later')
})

t.test('turns: work that the code of the app leaves behind has to wait its turn', async (t) => {
  const { inTurn, callAsHolder } = createTurns(60_000)
  const log: string[] = []
  let left: Promise<void> | undefined
  const first = inTurn('1', () => callAsHolder('1', async () => {
    left = setTimeout(50).then(() => inTurn('1', async () => { log.push('left behind') }))
  }))
  const second = inTurn('1', async () => {
    await setTimeout(150)
    log.push('second')
  })
  await Promise.all([first, second])
  await left
  t.same(log, ['second', 'left behind'])
})
