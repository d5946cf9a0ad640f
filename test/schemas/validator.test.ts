import { Type } from '@sinclair/typebox'
import t from 'tap'
import { validator } from '../../src/schemas/validator.js'

t.test('validator: names the member and the expected value', async (t) => {
  const validate = validator(Type.Object({ a: Type.Integer() }))
  t.doesNotThrow(() => validate({ a: 1 }))
  t.throws(() => validate({ a: '1' }), {
    code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400, message: '/a Expected integer'
  })
  t.throws(() => validate(undefined), { message: 'Expected object' })
})

t.test('validator: names an unknown member only if the name is short and plain', async (t) => {
  const validate = validator(
    Type.Object({ a: Type.Optional(Type.Object({}, { additionalProperties: false })) }, { additionalProperties: false })
  )
  t.throws(() => validate({ naem: 1 }), { message: '/naem Unexpected property' })
  t.throws(() => validate({ ['x'.repeat(100_000)]: 1 }), { message: /^Unexpected property$/ })
  t.throws(() => validate({ [`vex_${'a'.repeat(36)}`]: 1 }), { message: /^Unexpected property$/ })
  t.throws(() => validate({ ['k'.repeat(16)]: 1 }), { message: /^Unexpected property$/ })
  t.throws(() => validate({ 'a b': 1 }), { message: /^Unexpected property$/ })
})
