import { createHash } from 'node:crypto'
import t from 'tap'
import { hashTokenValue, isTokenValue, createTokenValue } from '../../src/services/token-value.js'
import { hasValidChecksum, withChecksum } from '../support/checksum.js'

t.test('a value is the prefix, 30 random characters and a checksum that adds up', async (t) => {
  for (const prefix of ['vex_', 'acme-live_']) {
    for (let i = 0; i < 500; i++) {
      const value = createTokenValue(prefix)
      t.ok(value.startsWith(prefix) && /^[0-9A-Za-z]{36}$/.test(value.slice(prefix.length)), value)
      if (!hasValidChecksum(value)) t.fail(value)
    }
  }
})

t.test('what is no token is told from one by its length, prefix and characters, also where its checksum adds up', async (t) => {
  const random = 'a'.repeat(30)
  t.equal(isTokenValue(withChecksum(`vex_${random}`), ['vex_']), true)
  const others = [
    'vex_', `vex_${random}b`, `vex_${random.slice(1)}`, `vex_${random}${random}`, random, `Vex_${random}`, `vey_${random}`, ` ex_${random}`, `bvex_${random.slice(1)}`,
    `vex_-${random.slice(1)}`, `vex_${random.slice(1)}-`, `vex_${random.slice(15)}_${random.slice(16)}`, `vex_${random.slice(1)}\u00e9`, `vex_\n${random.slice(1)}`, `vex_${random.slice(1)}\n`
  ]
  for (const other of others) t.equal(isTokenValue(withChecksum(other), ['vex_']), false, JSON.stringify(other))
  for (const wrong of ['', 'vex_', `vex_${random}`, `vex_${random}000000`, withChecksum(`vex_${random}`).toLowerCase(), `${withChecksum(`vex_${random}`)}\n`]) {
    t.equal(isTokenValue(wrong, ['vex_']), false, JSON.stringify(wrong))
  }
})

t.test('isTokenValue: takes any of the prefixes, also if one begins with another', async (t) => {
  const prefixes = ['vex_', 'vex_2', 'v', 'acme-live_']
  for (const prefix of prefixes) t.equal(isTokenValue(createTokenValue(prefix), prefixes), true, prefix)
  for (const prefix of ['vex', 'vex_22', 'w', 'acme-live', '']) t.equal(isTokenValue(createTokenValue(prefix), prefixes), false, prefix)
})

t.test('its characters are spread evenly, and no two values are alike', async (t) => {
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
  // Chi-squared over 61 degrees of freedom: below 150 but for once in 10^9 runs. Taking bytes modulo 62 would give some 1600.
  const expected = rounds * 30 / 62
  const chiSquared = [...count.values()].reduce((sum, observed) => sum + (observed - expected) ** 2 / expected, 0)
  t.ok(chiSquared < 150, `chi-squared ${chiSquared}`)
})

t.test('the hash is SHA-256', async (t) => {
  const hash = hashTokenValue('vex_x')
  t.equal(hash.length, 32)
  t.ok(hash.equals(createHash('sha256').update('vex_x').digest()))
})
