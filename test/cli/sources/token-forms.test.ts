import { randomBytes } from 'node:crypto'
import t from 'tap'
import { mayBeGuessed } from '../../../src/cli/sources/token-forms.js'

t.test('mayBeGuessed: a short value or a repetition may be made up, and random values are not', async (t) => {
  for (const value of ['', 'my-own-static-key', 'changeme'.repeat(5), 'a'.repeat(40), 'x1'.repeat(100)]) {
    t.equal(mayBeGuessed(value), true, value)
  }
  for (const bytes of [16, 32, 100]) t.equal(mayBeGuessed(randomBytes(bytes).toString('hex')), false, `${bytes} bytes`)
  for (const bytes of [24, 32, 64]) t.equal(mayBeGuessed(randomBytes(bytes).toString('base64url')), false)
})
