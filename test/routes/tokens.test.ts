import t from 'tap'
import { build, call } from '../helpers.js'
import { strangeIds } from './strange-ids.js'

t.test('DELETE /tokens/:id revokes: 204 without a body; again: 404', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const kept = await app.vexaAdmin.tokens.create('user-1')
  const revoked = await app.vexaAdmin.tokens.create('user-1')

  const reply = await call(app, 'DELETE', `/admin/tokens/${revoked.id}`)
  t.equal(reply.statusCode, 204)
  t.equal(reply.body, '')
  t.equal(reply.headers['content-type'], undefined)
  t.equal(reply.headers['cache-control'], 'no-store')

  const again = await call(app, 'DELETE', `/admin/tokens/${revoked.id}`)
  t.equal(again.statusCode, 404)
  t.same(again.json(), { statusCode: 404, code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', error: 'Not Found', message: 'Token not found' })
  t.same((await app.vexaAdmin.users.get('user-1')).api_tokens.map(({ id }) => id), [kept.id])
})

t.test('DELETE /tokens/:id with a content type and no body, as clients send it', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const reply = await call(app, 'DELETE', '/admin/tokens/token-1', { headers: { 'content-type': 'application/json' } })
  t.equal(reply.statusCode, 204)
})

t.test('DELETE /tokens/:id ten times at once: one 204', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const replies = await Promise.all(Array.from({ length: 10 }, () => call(app, 'DELETE', '/admin/tokens/token-1')))
  t.same(replies.map((reply) => reply.statusCode).sort(), [204, ...Array(9).fill(404)])
})

t.test('DELETE /tokens/:id of no token: 404, whatever the id looks like', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  for (const id of [...strangeIds('token', 'user'), token]) {
    const reply = await call(app, 'DELETE', `/admin/tokens/${id}`)
    t.equal(reply.statusCode, 404, id)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', id)
  }
  t.equal((await app.vexaAdmin.users.get('user-1')).api_tokens.length, 1)
})

t.test('an id is never given out again', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  await app.vexaAdmin.tokens.revoke('token-1')
  t.equal((await app.vexaAdmin.tokens.create('user-1')).id, 'token-2')
})
