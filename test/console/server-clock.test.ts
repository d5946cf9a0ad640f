import t from 'tap'
import { ServerClock } from '../../src/console/server-clock.js'

const noon = Date.parse('2026-11-28T12:00:00Z')

t.test('server clock: is that of the browser before the first reply', async (t) => {
  t.equal(new ServerClock(() => 7).now(), 7)
  const before = Date.now()
  t.ok(new ServerClock().now() >= before)
})

t.test('server clock: goes on from the date of the last reply', async (t) => {
  let browser = 5000
  const clock = new ServerClock(() => browser)
  clock.set('Sat, 28 Nov 2026 12:00:00 GMT')
  t.equal(clock.now(), noon)
  browser += 60_000
  t.equal(clock.now(), noon + 60_000)
  clock.set('Sat, 28 Nov 2026 12:00:10 GMT')
  t.equal(clock.now(), noon + 10_000)
  for (const date of [null, '', 'never']) clock.set(date)
  t.equal(clock.now(), noon + 10_000, 'a reply without a date changes nothing')
})

t.test('server clock: is right again if the browser has the same time', async (t) => {
  const clock = new ServerClock(() => noon)
  clock.set('Sat, 28 Nov 2026 11:00:00 GMT')
  clock.set('Sat, 28 Nov 2026 12:00:00 GMT')
  t.equal(clock.now(), noon)
})
