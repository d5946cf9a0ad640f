import t from 'tap'
import { DigestMap } from '../../src/services/digest-map.js'
import { createRefs } from '../../src/services/refs.js'

t.test('DigestMap: finds the number of each of 20,000 texts, and of no other', async (t) => {
  const map = new DigestMap()
  const texts = Array.from({ length: 20_000 }, (_, n) => `text ${n}`)
  for (const [n, text] of texts.entries()) map.set(text, n)
  t.same(texts.filter((text, n) => map.get(text) !== n), [])
  t.same(texts.filter((text) => map.get(`${text} `) !== undefined), [])
  t.same([map.has('text 0'), map.has('')], [true, false])
  map.set('text 7', -1.5)
  t.equal(map.get('text 7'), -1.5)
})

t.test('DigestMap: a million texts take at most 100 MB, and little heap', async (t) => {
  const before = process.memoryUsage()
  const map = new DigestMap()
  for (let n = 0; n < 1_000_000; n++) map.set(`user${n}@example.com`, n)
  const after = process.memoryUsage()
  t.equal(map.get('user999999@example.com'), 999_999)
  t.ok(after.arrayBuffers - before.arrayBuffers < 100e6, `${after.arrayBuffers - before.arrayBuffers} bytes`)
  t.ok(after.heapUsed - before.heapUsed < 30e6, `${after.heapUsed - before.heapUsed} bytes of the heap`)
})

t.test('createRefs: keeps keys of any form, and the absence of a key', async (t) => {
  const refs = createRefs()
  const keys = ['1', '9007199254740991', '9007199254740993', '01', '0', '-1', '1e3', 'x', 'abc-DEF_9', 'Infinity']
  for (const [n, key] of keys.entries()) refs.set(`ref ${n}`, key)
  refs.set('', undefined)
  t.same(keys.map((_key, n) => refs.get(`ref ${n}`)), keys)
  t.same([refs.has(''), refs.get('')], [true, undefined])
  t.same([refs.has('other'), refs.get('other')], [false, undefined])
})
