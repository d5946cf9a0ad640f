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
