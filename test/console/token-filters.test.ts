import t from 'tap'
import {
  cutStart, cutValue, isSoon, queryOfView, stateOf, titleOf, tokenViews
} from '../../src/console/token-filters.js'
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

const value = 'UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'

t.test('token filters: a text ends after the first characters of a value', async (t) => {
  const prefixes = ['vex_', 'vxa_', 'vxa_bot_', 'sk-']
  for (const [text, expected] of [
    [`vex_${value}`, 'vex_UAC6'],
    [`Bearer vxa_bot_${value}`, 'Bearer vxa_bot_UAC6'],
    [`sk-${value} and more`, 'sk-UAC6'],
    [`CI vex_${value.slice(0, 12)}`, 'CI vex_UAC6'],
    [value, 'UAC6kN5f'],
    [`legacy_${value}`, 'legacy_UAC6kN5f'],
    [`user-1 ${value}`, 'user-1 UAC6kN5f']
  ] as const) t.equal(cutValue(text, prefixes), expected, text)
})

t.test('token filters: a text without a value stays as it is', async (t) => {
  for (const text of [
    '', ' vex_UAC6', 'vex_backup', 'vex_production-2', `vex_${value.slice(0, 11)}`, 'jane.doe+some-long-address@sub-domain.example', 'user-12',
    `user-${'0123456789abcdef'.repeat(4)}`, 'token-550e8400-e29b-41d4-a716-446655440000', 'a'.repeat(31)
  ]) t.equal(cutValue(text, ['vex_']), text)
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
