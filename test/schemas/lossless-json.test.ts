import fc from 'fast-check'
import t from 'tap'
import { findJsonLoss } from '../../src/schemas/lossless-json.js'

t.test('findJsonLoss: finds a duplicate member, however it is written', async (t) => {
  for (const [text, position] of [
    ['{"a":1,"a":1}', 7], ['{"a":1,"\\u0061":1}', 7], ['{"\\"":1,"\\u0022":1}', 8], ['{"\\\\":1,"\\\\":1}', 8],
    ['{"a\\\\\\"":{},"a\\\\\\"":1}', 12], ['{"" : 1 ,\n"" \t:1}', 10], ['[{"x":{"a":1}},{"a":{},"a":1}]', 23],
    ['{"a":"}","a":1}', 9], ['{"a":"\\\\","a":1}', 10], ['{"a":["{"],"a":1}', 11]
  ] as const) {
    JSON.parse(text)
    t.equal(findJsonLoss(text), `has a duplicate member, at position ${position}: send it once`, text)
  }
})

t.test('findJsonLoss: finds a number that changes, and no number in a string', async (t) => {
  for (const [text, position] of [
    ['1e400', 0], ['[-12345678901234567890]', 1], ['{"a":0.1000000000000000000001}', 5], ['[1, 9007199254740993\n]', 4]
  ] as const) {
    t.equal(findJsonLoss(text), `has a number that JavaScript cannot represent, at position ${position}: ` +
      'send it as a string', text)
  }
  for (const text of [
    '"1e400"', '{"1e400":"\\"1e400,{"}', '["\\\\",1.50,-0,1E2,"\\\\\\"1e400"]', ' 1 ', '""', 'true'
  ]) {
    JSON.parse(text)
    t.equal(findJsonLoss(text), undefined, text)
  }
})

t.test('findJsonLoss: finds nothing in what JSON.stringify writes', async (t) => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 2, '\t'), (json, indent) => {
    const text = JSON.stringify(JSON.parse(json), null, indent)
    t.equal(findJsonLoss(text), undefined, text)
  }), { numRuns: 300 })
})

t.test('findJsonLoss: reads bodies of many megabytes without an overflow', async (t) => {
  const texts = {
    escapes: `{"a":"${'\\n'.repeat(4e6)}"}`,
    'escaped quotes': `{"a":"${'\\"'.repeat(4e6)}"}`,
    backslashes: `{"${'\\\\'.repeat(4e6)}":1}`,
    'white space': `{"a"${' '.repeat(6e6)}:1${' '.repeat(6e6)}}`,
    zeros: `{"a":1.${'0'.repeat(6e6)}}`,
    members: `{${Array.from({ length: 3e5 }, (_, i) => `"${i}":1`).join()}}`
  }
  for (const [name, text] of Object.entries(texts)) {
    const start = process.cpuUsage()
    t.equal(findJsonLoss(text), undefined, name)
    const { user } = process.cpuUsage(start)
    t.ok(user < 2e6, `${name}: ${user} µs`)
  }
})
