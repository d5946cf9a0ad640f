import t from 'tap'
import { describeFault, findJsonFault, readFault } from '../../src/console/json-errors.js'

const valid = [
  '{}', ' {"a": 1} ', '{"a":{"b":[1,-2.5,1e9,1E-3,true,false,null,"x"]}}', '{"a":"\\n\\u00e9\\\\ \\" /"}', '{"a":[]}',
  '{"":[{},[[]]],\n\t"b":0}', '{"a":"é 😀"}', '{"a":-0.0e+1}'
]

const invalid: Array<[text: string, position: number, message: RegExp]> = [
  ['', 0, /begins with \{/],
  ['[]', 0, /begins with \{/],
  ['{"a":1} x', 8, /nothing after/],
  ['{"a":1', 6, /comma or \}/],
  ['{"a":1 "b":2}', 7, /comma or \}/],
  ['{"a":1,}', 7, /name in double quotes/],
  ['{a:1}', 1, /name in double quotes/],
  ["{'a':1}", 1, /name in double quotes/],
  ['{"a" 1}', 5, /colon/],
  ['{"a":}', 5, /a value/],
  ['{"a":tru}', 5, /a value/],
  ['{"a":trues}', 5, /a value/],
  ['{"a":01}', 5, /a value/],
  ['{"a":1.}', 5, /a value/],
  ['{"a":+1}', 5, /a value/],
  ['{"a":[1,]}', 8, /a value/],
  ['{"a":[1}', 7, /comma or \]/],
  ['{"a":"x', 7, /has no end/],
  ['{"a":"x\n"}', 7, /line break or tab/],
  ['{"a":"\\x"}', 6, /backslash/],
  ['{"a":"\\u12"}', 6, /backslash/]
]

t.test('JSON errors: a JSON object has no fault', async (t) => {
  for (const text of valid) {
    t.equal(findJsonFault(text), undefined, text)
    t.doesNotThrow(() => JSON.parse(text), 'and JSON.parse agrees')
  }
})

t.test('JSON errors: each fault has its place', async (t) => {
  for (const [text, position, message] of invalid) {
    const fault = findJsonFault(text)
    t.equal(fault?.position, position, text)
    t.match(fault?.message, message, text)
    if (text !== '[]') t.throws(() => JSON.parse(text), 'and JSON.parse agrees')
  }
})

t.test('JSON errors: literals have lower case', async (t) => {
  for (const text of ['{"a":TRUE}', '{"a":Null}', '{"a":False}']) t.match(findJsonFault(text)?.message, /a value/, text)
})

t.test('JSON errors: a text with very many levels is a fault', async (t) => {
  t.match(findJsonFault(`{"a":${'['.repeat(200_000)}`)?.message, /too many levels/)
})

t.test('JSON errors: the words name line and column if they are known', async (t) => {
  const text = '{\n  "a": 1\n  "b": 2\n}'
  t.equal(describeFault(text, findJsonFault(text)), 'Line 3, column 3: Expected a comma or }')
  t.equal(describeFault(text, { message: 'Too large', position: -1 }), 'Too large')
  t.equal(describeFault(text, undefined), undefined)
})

t.test('JSON errors: the position in a message of the API becomes line and column', async (t) => {
  const fault = readFault('body has a duplicate member, at position 10: send it once')
  t.equal(describeFault('{"a":1,\n  "a":2}', fault), 'Line 2, column 3: The data has a duplicate member: send it once')
  t.same(readFault('body Expected a JSON object'), { message: 'The data Expected a JSON object', position: -1 })
})
