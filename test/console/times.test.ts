import t from 'tap'
import { dateOf, dateTimeOf, durationText, relativeTime } from '../../src/console/times.js'

const now = Date.parse('2026-11-24T12:00:00.000Z')

t.test('times: a relative time counts in the largest unit that fits', async (t) => {
  const cases: Array<[time: string, expected: string]> = [
    ['2026-11-24T12:00:20Z', 'in less than a minute'],
    ['2026-11-24T11:59:40Z', 'just now'],
    ['2026-11-24T12:00:00Z', 'just now'],
    ['2026-11-24T12:01:59Z', 'in 2 minutes'],
    ['2026-11-24T11:58:31Z', '1 minute ago'],
    ['2026-11-24T11:01:00Z', '59 minutes ago'],
    ['2026-11-24T09:00:00Z', '3 hours ago'],
    ['2026-12-06T12:00:00Z', 'in 12 days'],
    ['2027-02-22T11:59:00Z', 'in 90 days'],
    ['2026-06-24T12:00:00Z', '5 months ago'],
    ['2027-11-24T12:00:00Z', 'in 12 months'],
    ['2020-11-24T12:00:00Z', '6 years ago']
  ]
  for (const [time, expected] of cases) t.equal(relativeTime(time, now), expected, time)
})

t.test('times: dates have the month in letters', async (t) => {
  t.equal(dateOf('2026-11-24T23:30:00.000Z', 'UTC'), '24 Nov 2026')
  t.equal(dateOf('2026-11-24T23:30:00.000Z', 'Europe/Berlin'), '25 Nov 2026')
  t.equal(dateTimeOf('2026-11-24T13:05:09.000Z', 'UTC'), '24 Nov 2026, 13:05:09')
})

t.test('times: a duration is in the largest whole unit', async (t) => {
  t.equal(durationText(86_400), '1 day')
  t.equal(durationText(31_536_000), '365 days')
  t.equal(durationText(129_600), '36 hours')
  t.equal(durationText(90), '90 seconds')
})
