import { createHash } from 'node:crypto'
import t from 'tap'
import { hashTokenValue, isTokenValue, createTokenValue } from '../../src/services/token-value.js'
import { hasValidChecksum, withChecksum } from '../support/checksum.js'

t.test('createTokenValue: returns prefix, 30 random characters and checksum', async (t) => {
  for (const prefix of ['vex_', 'acme-live_']) {
    for (let i = 0; i < 500; i++) {
      const value = createTokenValue(prefix)
      t.ok(value.startsWith(prefix) && /^[0-9A-Za-z]{36}$/.test(value.slice(prefix.length)), value)
      if (!hasValidChecksum(value)) t.fail(value)
    }
  }
})

t.test('isTokenValue: rejects a wrong length, prefix, character or checksum', async (t) => {
  const random = 'a'.repeat(30)
  t.equal(isTokenValue(withChecksum(`vex_${random}`), ['vex_']), true)
  const others = [
    'vex_', `vex_${random}b`, `vex_${random.slice(1)}`, `vex_${random}${random}`, random, `Vex_${random}`,
    `vey_${random}`, ` ex_${random}`, `bvex_${random.slice(1)}`,
    `vex_-${random.slice(1)}`, `vex_${random.slice(1)}-`, `vex_${random.slice(15)}_${random.slice(16)}`,
    `vex_${random.slice(1)}\u00e9`, `vex_\n${random.slice(1)}`, `vex_${random.slice(1)}\n`
  ]
  for (const other of others) t.equal(isTokenValue(withChecksum(other), ['vex_']), false, JSON.stringify(other))
  for (const wrong of [
    '', 'vex_', `vex_${random}`, `vex_${random}000000`, withChecksum(`vex_${random}`).toLowerCase(),
    `${withChecksum(`vex_${random}`)}\n`
  ]) {
    t.equal(isTokenValue(wrong, ['vex_']), false, JSON.stringify(wrong))
  }
})

t.test('isTokenValue: accepts each prefix, even if one begins with another', async (t) => {
  const prefixes = ['vex_', 'vex_2', 'v', 'acme-live_']
  for (const prefix of prefixes) t.equal(isTokenValue(createTokenValue(prefix), prefixes), true, prefix)
  for (const prefix of ['vex', 'vex_22', 'w', 'acme-live', '']) {
    t.equal(isTokenValue(createTokenValue(prefix), prefixes), false, prefix)
  }
})

t.test('createTokenValue: spreads characters evenly, and repeats no value', async (t) => {
  const count = new Map<string, number>()
  const values = new Set<string>()
  const rounds = 20_000
  for (let i = 0; i < rounds; i++) {
    const value = createTokenValue('vex_')
    values.add(value)
    for (const character of value.slice(4, 34)) count.set(character, (count.get(character) ?? 0) + 1)
  }
  t.equal(values.size, rounds)
  t.equal(count.size, 62)
  // Chi-squared with 61 degrees of freedom is above 150 once in 10^9 runs. Bytes modulo 62 would give about 1600.
  const expected = rounds * 30 / 62
  const chiSquared = [...count.values()].reduce((sum, observed) => sum + (observed - expected) ** 2 / expected, 0)
  t.ok(chiSquared < 150, `chi-squared ${chiSquared}`)
})

t.test('hashTokenValue: returns the SHA-256', async (t) => {
  const hash = hashTokenValue('vex_x')
  t.equal(hash.length, 32)
  t.ok(hash.equals(createHash('sha256').update('vex_x').digest()))
})
