import t from 'tap'
import { adminKey, build } from '../helpers.js'

t.test('a request with the admin key is let in', async (t) => {
  const app = await build(t)
  const reply = await app.inject({ url: '/admin/users', headers: { 'X-Admin-API-Key': adminKey } })
  t.equal(reply.statusCode, 200)
})
