import { Type } from '@sinclair/typebox'
import t from 'tap'
import { serializerCompiler, validatorCompiler } from '../../src/schemas/compilers.js'

t.test('validatorCompiler: converts integers and booleans of a query only', async (t) => {
  const schema = Type.Object({ n: Type.Integer(), s: Type.Optional(Type.String()), b: Type.Optional(Type.Boolean()) })
  const validate = (httpPart: string, value: unknown) =>
    (validatorCompiler({
      schema, httpPart, method: 'GET', url: '/'
    }) as (value: unknown) => { value?: unknown, error?: unknown })(value)
  t.same(validate('querystring', { n: '07', s: '1' }), { value: { n: 7, s: '1' } })
  t.match(validate('querystring', { n: '7.0' }), { error: [{ instancePath: '/n', message: 'Expected integer' }] })
  t.same(validate('querystring', { n: '7', s: 'true', b: 'true' }), { value: { n: 7, s: 'true', b: true } })
  for (const b of ['xtrue', 'truex', 'false\n', 'TRUE', '1', '', ['true']]) {
    const expected = { error: [{ instancePath: '/b', message: 'Expected boolean' }] }
    t.match(validate('querystring', { n: '7', b }), expected, String(b))
  }
  for (const n of ['7x', 'x7', '7\n', '', ['7']]) {
    t.match(validate('querystring', { n }), { error: [{ instancePath: '/n', message: 'Expected integer' }] }, String(n))
  }
  t.match(validate('body', { n: '7' }), { error: [{ instancePath: '/n', message: 'Expected integer' }] })
})

t.test('serializerCompiler: leaves out members that the schema does not name', async (t) => {
  const schema = Type.Object({ a: Type.Integer() })
  const serialize = (httpStatus: string, payload: unknown) =>
    serializerCompiler({ schema, httpStatus, method: 'GET', url: '/' })(payload)
  t.equal(serialize('200', { a: 1, hash: 'x' }), '{"a":1}')
  t.equal(serialize('400', Object.assign(new Error('x'), { a: 1, hash: 'x' })), '{"a":1}')
  t.equal(
    serialize('400', { error: { a: 1 } }), '{"error":{"a":1}}', 'an object of an error handler of the app stays'
  )
})
