import { expect, test } from 'tstyche'

// Node.js 20 is supported, so calls of newer members must not compile. `lib` in tsconfig.json decides.
test('types: no member exists when Node.js 20 lacks it', () => {
  expect(Promise).type.not.toHaveProperty('withResolvers')
  expect(Promise).type.not.toHaveProperty('try')
  expect(Object).type.not.toHaveProperty('groupBy')
  expect(Map).type.not.toHaveProperty('groupBy')
  expect(Array).type.not.toHaveProperty('fromAsync')
  expect(new Set()).type.not.toHaveProperty('union')
  expect(new ArrayBuffer(0)).type.not.toHaveProperty('transfer')
  expect([].values()).type.not.toHaveProperty('map')
})
