import t from 'tap'
import { emptyStorage } from '../support/databases.js'
import { build, call } from '../support/helpers.js'

t.test('lists: a reply is the same when it is sent as a stream', async (t) => {
  const storage = emptyStorage(t)
  const app = await build(t, { storage })
  // With this limit, a list of 300 items may be longer than the longest string.
  const streaming = await build(t, { storage, maxDataSize: 1024 * 1024 })
  const { users, tokens } = app.vexaAdmin
  for (let n = 1; n <= 300; n++) await users.create({ email: `${n}@example.com`, data: { n } })
  for (let n = 1; n <= 300; n++) await tokens.create('user-1', { name: `"${n}"`, data: n % 2 ? { n } : undefined })
  for (const path of [
    '/users?limit=300', '/tokens?limit=300', '/users/user-1/tokens?limit=300', '/users/user-1', '/users/email/1@example.com',
    '/users?limit=299'
  ]) {
    const plain = await call(app, 'GET', `/admin${path}`)
    const streamed = await call(streaming, 'GET', `/admin${path}`)
    t.equal(streamed.statusCode, 200, path)
    t.same(streamed.json(), plain.json())
    for (const name of ['content-type', 'link', 'etag', 'cache-control']) {
      t.equal(streamed.headers[name], plain.headers[name], name)
    }
    t.equal('content-length' in streamed.headers, false, 'it is a stream')
  }
})
