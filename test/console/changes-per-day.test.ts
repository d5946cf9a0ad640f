import t from 'tap'
import { changesPerDay } from '../../src/console/changes-per-day.js'

const now = new Date(2026, 10, 24, 12).getTime()
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString()

t.test('changes per day: counts the changes of each local day, the oldest day first', async (t) => {
  const times = [at(24, 11), at(24, 0), at(23, 23), at(21, 5)]
  const counts = changesPerDay(times, 4, now, true)
  t.same(counts.map(({ count }) => count), [1, 0, 1, 2])
  t.equal(counts[0]?.start, new Date(2026, 10, 21).getTime())
})

t.test('changes per day: leaves out the days that may lack changes', async (t) => {
  const counts = changesPerDay([at(24, 11), at(23, 23), at(22, 5)], 4, now, false)
  t.same(counts.map(({ count }) => count), [1, 1], 'the day of the oldest change is not complete')
})

t.test('changes per day: counts what it has of today if today alone has too many changes', async (t) => {
  t.same(changesPerDay([at(24, 11), at(24, 9)], 4, now, false), [
    { start: new Date(2026, 10, 24).getTime(), count: 2, isPartial: true }
  ])
})

t.test('changes per day: no change gives days of zero', async (t) => {
  t.same(changesPerDay([], 2, now, true).map(({ count }) => count), [0, 0])
})
