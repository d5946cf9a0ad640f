import t from 'tap'
import { normalizeEmail } from '../../src/normalize.js'
import { emptyStorage } from '../support/databases.js'
import { invalid, valid } from '../support/fixtures/emails.js'
import { build, call } from '../support/helpers.js'

t.test('Email: stores an address in NFC and lower case', async (t) => {
  const app = await build(t)
  const kept: Record<string, string> = {
    'a@b': 'a@b',
    'User.Name+Tag@Example.COM': 'user.name+tag@example.com',
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
    t.equal(normalizeEmail(sent), expected, sent)
    t.equal(normalizeEmail(expected), expected, 'the stored form is stable')
  }
})

t.test('Email: accepts 3 to 254 characters of the stored form', async (t) => {
  const app = await build(t)
  const status = async (email: string) => (await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode
  t.equal(await status('@a'), 400)
  t.equal(await status('a@b'), 201)
  t.equal(await status('x'.repeat(252) + '@x'), 201)
  t.equal(await status('x'.repeat(253) + '@x'), 400)
  t.equal(await status('💛'.repeat(252) + '@x'), 201, 'counted in characters, not code units')
  t.equal(await status('e\u0301'.repeat(252) + '@x'), 201, 'counted in the stored form')
  t.equal(await status('\u0130'.repeat(252) + '@x'), 400, 'its lower case is longer')
})

t.test('Email: rejects an overlong address before normalising it', async (t) => {
  const app = await build(t)
  const normalize = String.prototype.normalize
  let longest = 0
  // eslint-disable-next-line no-extend-native -- records the length of each normalised text
  String.prototype.normalize = function (form) {
    longest = Math.max(longest, this.length)
    return normalize.call(this, form)
  }
  t.teardown(() => { String.prototype.normalize = normalize }) // eslint-disable-line no-extend-native
  const email = `a${'\u0315'.repeat(10_000)}${'\u0316'.repeat(10_000)}@b`
  t.equal((await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode, 400)
  await t.rejects(app.vexaAdmin.users.getByEmail(email), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(app.vexaAdmin.users.list({ search: email }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  t.ok(longest <= 2048, `at most ${longest} code units`)
})

t.test('Email: rejects an invalid address', async (t) => {
  const app = await build(t)
  const rejected = [
    '', 'abc', 'a b@c', ' a@b', 'a@b ', 'a@b\n', 'a@b@c', '@@@', 'a\t@b', 'a\0@b', 'a\x7f@b', 'a\x85@b', 'a\u00a0@b',
    'a\u2028@b', 'a\u3000@b', '\ufeffa@b', 'a@b\u001b[0m', '\ud83d@b', 'a@\udc9b', '@', 'a@', '@b', '.a@b', 'a.@b',
    'a..b@c', 'a@.b', 'a@b.', 'a@b..c', 'a@b\uff0e', 'a@\u3002b', 'a@-b', 'a@b-', 'a@b.-c.d', 'a@b\uff0d', 'a@bb--c',
    `a@${'b'.repeat(64)}.c`, `a@${`${'\u4e2d'.repeat(9)}.`.repeat(20)}b`, 'a@b_c', 'a@b!', 'a@b%2ec', 'a@b/c', 'a@b:25',
    'a@b?c', 'a@b#c', 'a@b\uff0fc', 'a@[127.0.0.1]', 'a@xn--0', 'a@256.256.256.256', '"a"@b', 'a"b@c', 'a\\b@c',
    'a,b@c', 'a;b@c', 'a:b@c', 'A <a@b>', '<a@b>', 'a(b)@c', 'a@(b)c', 'a@b(c)', '[a]@b', 'a\u037e@b', '\u0301a@b',
    'a@\u0301b', 'a\u200b@b', 'a\u3164@b', 'a\u115f@b', 'a\uffa0@b', 'a\u034f@b', 'a\u180b@b', 'a\ufe0f@b',
    'a\u{e0100}@b', 'a\u2800@b', 'a\u200d@b', 'a\u00ad@b', 'a\u202e@b', 'a\u2066@b', 'a@b\u200b', 'a@b\u00adc',
    'a\ue000@b', 'a\ufdef@b', 'a\u{e0041}@b', 'a\u0378@b'
  ]
  for (const email of rejected) {
    const reply = await call(app, 'POST', '/admin/users', { payload: { email } })
    t.equal(reply.statusCode, 400, [...email].map((character) => character.codePointAt(0)?.toString(16)).join(' '))
  }
  t.same(await app.vexaAdmin.users.list(), [])
})

// Addresses and verdicts come from the tests of python-email-validator 2.3.0, which is in the public domain.

// Accepted here: single names, 254 characters with more bytes, a top level that ends in a digit,
// and a sign that only begins with `<`.
const tolerated = [
  /^my@localhost$/, /^my\.\u03bbong\.address@1{10}/, /^my\.s\u0323\u0307\.address@/,
  /^my\.\ufb2c\.address@1{10}.*44\.info$/, /^me@bad-tld-1$/, /^me@bad\.tld-2$/, /^<\u0338me@example\.com$/,
  /^\u03bbambda\u30c4@test$/
]

t.test('Email: agrees with python-email-validator on nearly all addresses', async (t) => {
  const app = await build(t)
  t.same([valid.length, invalid.length], [42, 242])
  const isAccepted = async (email: string) =>
    (await call(app, 'POST', '/admin/users', { payload: { email } })).statusCode !== 400
  for (const email of valid) t.ok(await isAccepted(email), email)
  const others: string[] = []
  for (const email of invalid) if (await isAccepted(email)) others.push(email)
  t.equal(others.length, tolerated.length, others.join(' '))
  for (const [i, email] of others.entries()) t.match(email, tolerated[i])
})

t.test('Email: an invalid address that is already stored is found and stays', async (t) => {
  const storage = emptyStorage(t)
  const app = await build(t, { storage })
  for (const email of ['"quoted"@x', 'a\u200bb@c', 'user@my_host', '.a@b.', 'a;b@c', `${'x'.repeat(252)}@-`]) {
    const user = await storage.createUser({
      email, name: null, max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z'
    })
    const found = await call(app, 'GET', `/admin/users/email/${encodeURIComponent(email.toUpperCase())}`)
    t.match([found.statusCode, found.json()], [200, { email, api_tokens: [] }], email)
    const { id } = found.json()
    t.match((await call(app, 'PATCH', `/admin/users/${id}`, { payload: { name: 'Renamed', disabled: true } })).json(), {
      email, name: 'Renamed', disabled: true
    })
    t.equal((await call(app, 'PATCH', `/admin/users/${id}`, { payload: { email } })).statusCode, 400)
    t.not(user, 'taken')
  }
  t.equal((await call(app, 'GET', '/admin/users')).json().length, 6)
  await t.rejects(app.vexaAdmin.users.getByEmail(1 as never), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
})
