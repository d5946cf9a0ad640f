import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Cases } from './case.js'
import { assertNothing, emails, hashOf, createToken, createUser, tokensOf } from './records.js'

/** Texts that some stores change. No two of these texts are equal. */
const texts = [
  '', ' ', 'x', 'x ', ' x', 'x  ', 'X', '0', 'null', 'true', '1e3', '\u00E9', 'e\u0301', 'e', '\u00DF', 'ss',
  '\u0131', 'i', '\u017F', 's', '\u212A', 'k', '\uFF21', 'A', '\u00C5', '\u212B',
  '\u{1F469}\u200D\u{1F469}\u200D\u{1F467}', '\u{1F469}', '\u05D0\u202E\u05D1', '\uFEFF', '\uFFFD', '\u200B',
  '\u0001\u007F\u0085\u2028', '\t\r\n', "'", '"', '`', '\\', '\\\\', "\\'", '%', '_', '?', '$1', ':a', '{}', '[]',
  "'; drop table users; --", '<script>', '\uFFFF', '\u{10FFFF}', 'x'.repeat(255), '\u{1F511}'.repeat(255)
]

const nested = (levels: number): Record<string, unknown> => (levels === 1 ? {} : { a: nested(levels - 1) })

/** Data that some stores change. */
const objects: Array<Record<string, unknown>> = [
  {},
  { a: [1e308, -1e308, 5e-324, 0.1, -0.5, 2 ** 53, -(2 ** 31), 1e21] },
  { a: { a: {} }, b: [[], [[]], {}] },
  nested(31),
  { a: '\u00E9'.repeat(8188) },
  { '': null, toJSON: 1, constructor: 2, hasOwnProperty: 3 },
  Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, i]))
]

/** Returns data that has 1 MiB as JSON in UTF-8. The letter must be one of two bytes. */
const largeData = (letter: string) => ({ a: letter.repeat((1024 * 1024 - 8) / 2) })

export const text: Cases = {
  'createUser, updateUser: keep each character of a name': async ({ storage }) => {
    const { id } = await createUser(storage)
    for (const name of texts) {
      await storage.updateUser(id, { name })
      assert.equal((await storage.findUser(id))?.name, name, JSON.stringify(name))
      const { id: other } = await createUser(storage, { email: 'other@x', name })
      assert.equal((await storage.findUser(other))?.name, name, JSON.stringify(name))
      await storage.deleteUser(other)
    }
  },

  'createToken, createUser: keep each character of names, scopes and data': async ({ storage }) => {
    const data = Object.fromEntries(texts.map((text) => [text, text]))
    const user = await createUser(storage, { data })
    assert.deepEqual((await storage.findUser(user.id))?.data, data)
    for (const [n, name] of texts.entries()) {
      await createToken(storage, user.id, n, { name, scopes: [name, 'b'], data: { [name]: name } })
    }
    for (const [n, token] of (await tokensOf(storage, user.id)).entries()) {
      const name = texts[n] as string
      assert.deepEqual([token.name, token.scopes, token.data], [name, [name, 'b'], { [name]: name }])
    }
    assert.equal((await storage.findTokenByHash(hashOf(1)))?.token.name, ' ')
  },

  'updateToken: keeps each character of names, scopes and data': async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    for (const name of texts) {
      const expected = { ...token, name, scopes: ['b', name], data: { [name]: name } }
      const updated = await storage.updateToken(token.id, () =>
        ({ name, scopes: ['b', name], data: { [name]: name } }))
      assert.deepEqual(updated, expected)
      assert.deepEqual((await storage.findToken(token.id))?.token, expected)
    }
  },

  'createToken: keeps each character of start': async ({ storage }) => {
    const user = await createUser(storage)
    const printable = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)).join('')
    const starts = ['vex_a1b2', 'VEX-9', 'x ', printable.slice(0, 64), printable.slice(64)]
    for (const [n, start] of starts.entries()) await createToken(storage, user.id, n, { start })
    assert.deepEqual((await tokensOf(storage, user.id)).map(({ start }) => start), starts)
    assert.equal((await storage.findTokenByHash(hashOf(3)))?.token.start, starts[3])
  },

  'findUserByEmail: compares addresses byte by byte': async ({ storage }) => {
    const addresses = [
      'e@x', 'E@x', '\u00E9@x', 'e\u0301@x', '\u00C9@x', '\u00DF@x', 'ss@x', '\u1E9E@x', 'i@x', '\u0131@x',
      '\u0130@x', 'k@x', '\u212A@x', '\u03C3@x', '\u03C2@x', '\uFF45@x', '\u0435@x', 'ae@x', '\u00E6@x', 'e@x.',
      '\u{1F511}@x', '\u{1F512}@x', "o'neil@x", 'a%@x', 'a_@x', 'ab@x', 'a\\@x', `${'\u{1F511}'.repeat(252)}@x`,
      `${'x'.repeat(252)}@x`
    ]
    const keys = new Map<string, string>()
    for (const email of addresses) keys.set(email, (await createUser(storage, { email })).id)
    for (const email of addresses) {
      const found = await storage.findUserByEmail(email)
      assert.equal(found?.id, keys.get(email), email)
      assert.equal(found?.email, email)
    }
    for (const email of ['\u00E8@x', 'a@x', '%', '_@x', 'e@x\\']) {
      assertNothing(await storage.findUserByEmail(email), `findUserByEmail of ${email}`)
    }
  },

  'listUsers, countUsers: search has no special characters': async ({ storage }) => {
    const names = [
      '100%', 'a_b', 'a\\b', 'a*b', 'a?b', 'a.b', '[ab]', '^a', 'a$', "it's", 'a"b', '\u00E9', '\u{1F511}', '--',
      'a  b'
    ]
    for (const [n, name] of names.entries()) await createUser(storage, { email: `${n}@x`, name })
    for (const search of [
      '%', '_', '\\', '*', '?', '[', ']', '^', '$', "'", '"', '\u00E9', '\u{1F511}', '--', '  ', '0%', 'a_b', 'a.b',
      'a\\b', 'a*b'
    ]) {
      const expected = names.flatMap((name, n) => (name.includes(search) ? [`${n}@x`] : []))
      assert.deepEqual(await emails(storage, { search }), expected, `search for ${search}`)
      assert.equal(await storage.countUsers({ search }), expected.length, `countUsers of ${search}`)
    }
    for (const search of ['\u00E8', 'a%b', '\u{1F512}', '\\%', "''", '.*']) {
      assert.deepEqual(await emails(storage, { search }), [], `search for ${search}`)
    }
  },

  'createToken, updateToken: keep numbers, nesting and 16 KiB of data': async ({ storage }) => {
    const user = await createUser(storage)
    for (const [n, data] of objects.entries()) {
      const { id } = await createToken(storage, user.id, n, { data })
      assert.deepEqual((await storage.findToken(id))?.token.data, data)
      await storage.updateToken(id, () => ({ data: { other: n } }))
      await storage.updateToken(id, () => ({ data }))
      assert.deepEqual((await storage.findTokenByHash(hashOf(n)))?.token.data, data)
    }
  },

  'createUser, updateUser: keep numbers, nesting and 16 KiB of data': async ({ storage }) => {
    for (const [n, data] of objects.entries()) {
      const { id } = await createUser(storage, { email: `${n}@x`, data })
      assert.deepEqual((await storage.findUser(id))?.data, data)
      await storage.updateUser(id, { data: { other: n } })
      await storage.updateUser(id, { data })
      assert.deepEqual((await storage.findUser(id))?.data, data)
    }
  },

  'createUser, updateUser: keep 1 MiB of data': async ({ storage }) => {
    const { id } = await createUser(storage, { data: largeData('\u00E9') })
    await createToken(storage, id, 1)
    // The case compares without `deepEqual`, because its message would contain all of the data.
    const hasData = async (letter: string) => isDeepStrictEqual((await storage.findUser(id))?.data, largeData(letter))
    assert.ok(await hasData('\u00E9'), 'findUser returns other data than createUser stored')
    await storage.updateUser(id, { data: largeData('\u00DF') })
    assert.ok(await hasData('\u00DF'), 'findUser returns other data than updateUser stored')
    const found = await storage.findTokenByHash(hashOf(1))
    assert.ok(isDeepStrictEqual(found?.user.data, largeData('\u00DF')), 'findTokenByHash returns other data')
  },

  'createToken, updateToken: keep 1 MiB of data': async ({ storage }) => {
    const user = await createUser(storage, { data: largeData('\u00DF') })
    const { id } = await createToken(storage, user.id, 1, { data: largeData('\u00E9') })
    const created = await storage.findToken(id)
    assert.ok(isDeepStrictEqual(created?.token.data, largeData('\u00E9')), 'findToken returns other data')
    await storage.updateToken(id, ({ data }) => ({ data: { ...data, b: 1, a: (data as { a: string }).a.slice(4) } }))
    const found = await storage.findTokenByHash(hashOf(1))
    const expected = { a: largeData('\u00E9').a.slice(4), b: 1 }
    assert.ok(isDeepStrictEqual(found?.token.data, expected), 'findTokenByHash returns other data')
    assert.ok(isDeepStrictEqual(found?.user.data, largeData('\u00DF')), 'findTokenByHash returns other data of a user')
  },

  'createUser, createToken, touchTokens: keep each time to the millisecond': async ({ storage }) => {
    const times = [
      '2024-01-01T12:00:00.000Z', '2024-03-31T02:30:00.001Z', '2024-07-01T23:59:59.999Z', '2024-10-27T02:30:00.500Z',
      '1970-01-01T00:00:00.001Z', '2038-01-19T03:14:08.000Z', '2099-12-31T23:59:59.999Z'
    ]
    for (const [n, time] of times.entries()) {
      const user = await createUser(storage, { email: `${n}@x`, created_at: time })
      const token = await createToken(storage, user.id, n, { created_at: time, expires_at: time })
      await storage.touchTokens([token.id], time)
      assert.deepEqual(await storage.findTokenByHash(hashOf(n)), {
        token: { ...token, created_at: time, expires_at: time, last_used_at: time },
        user: { ...user, created_at: time }
      })
    }
  }
}
