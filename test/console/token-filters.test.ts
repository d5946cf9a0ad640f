import t from 'tap'
import { cutStart, isSoon, queryOfView, stateOf, titleOf, tokenViews } from '../../src/console/token-filters.js'
import type { Token } from '../../src/console/types.js'

const now = Date.parse('2026-11-24T12:00:00.000Z')
const token: Token = { id: 'token-1', token: '***', user_id: 'user-1', created_at: '2026-01-01T00:00:00.000Z' }

t.test('token filters: each view has its query', async (t) => {
  t.same(Object.keys(tokenViews), ['all', 'expiring', 'expired', 'disabled', 'unused30', 'unused90'])
  t.same(queryOfView('all', now), {})
  t.same(queryOfView('expiring', now), { state: 'active', expires_before: '2026-12-24T12:00:00.000Z' })
  t.same(queryOfView('expired', now), { state: 'expired' })
  t.same(queryOfView('disabled', now), { state: 'disabled' })
  t.same(queryOfView('unused30', now), { state: 'active', unused_since: '2026-10-25T12:00:00.000Z' })
  t.same(queryOfView('unused90', now), { state: 'active', unused_since: '2026-08-26T12:00:00.000Z' })
})

t.test('token filters: a start has the prefix and 4 characters at most', async (t) => {
  const prefixes = ['vex_', 'vxa_bot_']
  t.equal(cutStart('vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg', prefixes), 'vex_UAC6')
  t.equal(cutStart(' vxa_bot_abcdefgh', prefixes), 'vxa_bot_abcd')
  t.equal(cutStart('legacy-token-value', prefixes), 'legacy-token')
  t.equal(cutStart('vex', prefixes), 'vex')
  t.equal(cutStart('vex_U and more', prefixes), 'vex_U')
  t.equal(cutStart('é', prefixes), '')
})

t.test('token filters: a token is in one state', async (t) => {
  const past = '2026-11-24T11:59:59.000Z'
  t.equal(stateOf(token, now), 'active')
  t.equal(stateOf({ ...token, disabled: true }, now), 'disabled')
  t.equal(stateOf({ ...token, disabled: true, expires_at: past }, now), 'expired')
  t.equal(stateOf({ ...token, expires_at: '2026-11-24T12:00:01.000Z' }, now), 'active')
})

t.test('token filters: a time within seven days is soon', async (t) => {
  t.equal(isSoon('2026-12-01T11:59:00.000Z', now), true)
  t.equal(isSoon('2026-12-01T12:00:00.000Z', now), false)
  t.equal(isSoon('2026-11-24T11:00:00.000Z', now), false)
})

t.test('token filters: a token has a title, whichever members it has', async (t) => {
  t.equal(titleOf({ ...token, name: 'CI', start: 'vex_UAC6' }), 'CI')
  t.equal(titleOf({ ...token, start: 'vex_UAC6' }), 'vex_UAC6…')
  t.equal(titleOf(token), 'token-1')
})
