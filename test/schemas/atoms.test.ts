import t from 'tap'
import { canonical } from '../../src/text.js'
import { build, call } from '../helpers.js'

t.test('an address is kept in NFC and lower case', async (t) => {
  const app = await build(t)
  const kept: Record<string, string> = {
    'a@b': 'a@b',
    'User.Name+Tag@Example.COM': 'user.name+tag@example.com',
    '"quoted"@x': '"quoted"@x',
    'jose\u0301@x': 'jos\u00e9@x',
    'E\u0301@x': '\u00e9@x',
    '\u212aelvin@x': 'kelvin@x',
    'J\u030c@x': '\u01f0@x',
    '\u0130@x': 'i\u0307@x',
    'ΑΣ@x': 'ας@x',
    'straße@x': 'straße@x',
    '用户@例子.广告': '用户@例子.广告',
    '💛@x': '💛@x',
    "o'brien%_@x": "o'brien%_@x"
  }
  for (const [sent, expected] of Object.entries(kept)) {
    const reply = await call(app, 'POST', '/admin/users', { payload: { email: sent } })
    t.equal(reply.statusCode, 201, sent)
    t.equal(reply.json().email, expected, sent)
    t.equal((await app.vexaAdmin.users.get(reply.json().id)).email, expected, sent)
    t.equal(canonical(sent), expected, sent)
    t.equal(canonical(expected), expected, 'what is kept stays as it is')
  }
})

t.test('length: 3 to 254 characters of the kept form', async (t) => {
  const app = await build(t)
  const status = async (email: string) => (await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode
  t.equal(await status('@a'), 400)
  t.equal(await status('a@b'), 201)
  t.equal(await status('x'.repeat(252) + '@x'), 201)
  t.equal(await status('x'.repeat(253) + '@x'), 400)
  t.equal(await status('💛'.repeat(252) + '@x'), 201, 'characters, not code units')
  t.equal(await status('e\u0301'.repeat(252) + '@x'), 201, 'as many characters as are kept')
  t.equal(await status('\u0130'.repeat(252) + '@x'), 400, 'its lower case is longer')
})

t.test('what is far too long is refused before it is normalised, which would take seconds', async (t) => {
  const app = await build(t)
  const normalize = String.prototype.normalize
  let longest = 0
  // eslint-disable-next-line no-extend-native -- to see what is normalised
  String.prototype.normalize = function (form) {
    longest = Math.max(longest, this.length)
    return normalize.call(this, form)
  }
  t.teardown(() => { String.prototype.normalize = normalize }) // eslint-disable-line no-extend-native
  const email = `a${'\u0315'.repeat(10_000)}${'\u0316'.repeat(10_000)}@b`
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode, 400)
  await t.rejects(app.vexaAdmin.users.getByEmail(email), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(app.vexaAdmin.users.list({ search: email }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  t.ok(longest <= 2048, `${longest} code units at the most`)
})

t.test('what is not an address is refused', async (t) => {
  const app = await build(t)
  const refused = [
    '', 'abc', 'a b@c', ' a@b', 'a@b ', 'a@b\n', 'a@b@c', '@@@', 'a\t@b', 'a\0@b', 'a\x7f@b', 'a\x85@b', 'a\u00a0@b', 'a\u2028@b', 'a\u3000@b', '\ufeffa@b', 'a@b\u001b[0m',
    '\ud83d@b', 'a@\udc9b'
  ]
  for (const email of refused) {
    const reply = await call(app, 'POST', '/admin/users', { payload: { email } })
    t.equal(reply.statusCode, 400, [...email].map((character) => character.codePointAt(0)?.toString(16)).join(' '))
  }
  t.same(await app.vexaAdmin.users.list(), [])
})

t.test('what databases keep in different ways, or not at all, is no text, wherever it is sent', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b', name: 'a' })
  const before = await app.vexaAdmin.users.get('user-1')
  for (const text of ['\0', 'a\0b', '\ud83d', '\udc9b', 'a\udc9b\ud83d']) {
    const requests = [
      ['PATCH', 'users/user-1', { name: text }], ['PATCH', 'users/user-1', { data: { text } }], ['PATCH', 'users/user-1', { data: { [text]: null } }], ['PATCH', 'users/user-1', { data: { a: [[text]] } }],
      ['POST', 'users', { email: 'c@d', name: text }], ['POST', 'users/user-1/tokens', { name: text }]
    ] as const
    for (const [method, path, payload] of requests) {
      t.equal((await call(app, method, `/admin/${path}`, { payload })).statusCode, 400, `${method} ${path} ${JSON.stringify(payload)}`)
    }
    await t.rejects(app.vexaAdmin.users.list({ search: text }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' }, JSON.stringify(text))
  }
  t.equal((await call(app, 'GET', '/admin/users?search=%00')).statusCode, 400)
  t.same(await app.vexaAdmin.users.get('user-1'), before)
})
