import t from 'tap'
import { gracePeriodsWithin, lifetimesWithin, usualGracePeriod, usualLifetime } from '../../src/console/lifetimes.js'

const day = 86_400
const seconds = (choices: Array<{ seconds: number | undefined }>) => choices.map((choice) => choice.seconds)

t.test('lifetimes: without a limit, a token may live for 30, 90 or 365 days or for ever', async (t) => {
  t.same(lifetimesWithin(null).map(({ label }) => label), ['30 days', '90 days', '365 days', 'Never expires'])
  t.same(lifetimesWithin(null, ' from now').map(({ label }) => label).at(-1), 'Never expires')
  t.same(seconds(lifetimesWithin(null)), [30 * day, 90 * day, 365 * day, undefined])
  t.equal(usualLifetime(null), 90 * day)
})

t.test('lifetimes: a limit leaves out what is longer, and is a choice itself', async (t) => {
  t.same(seconds(lifetimesWithin(180 * day)), [30 * day, 90 * day, 180 * day])
  t.same(lifetimesWithin(90 * day).map(({ label }) => label), ['30 days', '90 days (the longest)'])
  t.same(lifetimesWithin(90 * day, ' from now').map(({ label }) => label),
    ['30 days from now', '90 days from now (the longest)'])
  t.same(seconds(lifetimesWithin(3600)), [3600])
  t.equal(usualLifetime(7 * day), 7 * day)
})

t.test('lifetimes: the usual choice is always among the choices', async (t) => {
  for (const limit of [null, 1, 3600, day, 30 * day, 45 * day, 90 * day, 400 * day]) {
    t.ok(seconds(lifetimesWithin(limit)).includes(usualLifetime(limit)), `lifetime within ${limit}`)
    t.ok(seconds(gracePeriodsWithin(limit)).includes(usualGracePeriod(limit)), `grace period within ${limit}`)
  }
})

t.test('lifetimes: a rotation has a grace period of one day by default', async (t) => {
  t.same(seconds(gracePeriodsWithin(null)), [0, 3600, day, 7 * day, 30 * day])
  t.equal(usualGracePeriod(null), day)
  t.equal(usualGracePeriod(7200), 3600)
  t.equal(usualGracePeriod(60), 0)
})
