import t from 'tap'
import { build, call } from '../support/helpers.js'

t.test('Text: rejects NUL and lone surrogates in every member', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b', name: 'a' })
  const before = await app.vexaAdmin.users.get('user-1')
  for (const text of ['\0', 'a\0b', '\ud83d', '\udc9b', 'a\udc9b\ud83d']) {
    const requests = [
      ['PATCH', 'users/user-1', { name: text }], ['PATCH', 'users/user-1', { data: { text } }],
      ['PATCH', 'users/user-1', { data: { [text]: null } }], ['PATCH', 'users/user-1', { data: { a: [[text]] } }],
      ['POST', 'users', { email: 'c@d', name: text }], ['POST', 'users/user-1/tokens', { name: text }]
    ] as const
    for (const [method, path, payload] of requests) {
      t.equal(
        (await call(app, method, `/admin/${path}`, { payload })).statusCode, 400,
        `${method} ${path} ${JSON.stringify(payload)}`
      )
    }
    await t.rejects(app.vexaAdmin.users.list({ search: text }), {
      code: 'VEXA_ADMIN_ERR_INVALID_INPUT'
    }, JSON.stringify(text))
  }
  t.equal((await call(app, 'GET', '/admin/users?search=%00')).statusCode, 400)
  t.same(await app.vexaAdmin.users.get('user-1'), before)
})

t.test('Text: counts characters, and rejects a text of megabytes in little time', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b' })
  for (const character of ['x', 'é', '\u{1F600}']) {
    const name = character.repeat(255)
    t.equal((await users.update('user-1', { name })).name, name)
    await t.rejects(users.update('user-1', { name: `${name}x` }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  }
  const name = 'x\u0301'.repeat(20_000_000)
  const start = process.cpuUsage()
  await t.rejects(users.update('user-1', { name }), { code: 'VEXA_ADMIN_ERR_INVALID_INPUT' })
  const { user } = process.cpuUsage(start)
  t.ok(user < 500_000, `${user} µs`)
})
