import t, { type Test } from 'tap'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { adminKey, build } from '../support/helpers.js'

/** The largest data. Only this data has the character ~. */
const data = { a: '~'.repeat(1024 * 1024 - 8) }

/** Returns the JSON of a reply that is too long for one string, with the data left empty. */
async function readLong (t: Test, { body }: Response): Promise<any> {
  let rest = ''
  let length = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    rest += Buffer.from(part).toString().replace(/~+/g, '')
    length += part.length
  }
  t.ok(length > 520 * 1024 * 1024)
  return JSON.parse(rest)
}

t.test('GET /tokens: a reply is sent even if it is longer than the longest string', async (t) => {
  const created = '2024-01-01T12:00:00.000Z'
  const tokenAt = (i: number) => ({
    id: `${i}`,
    user_id: '1',
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data,
    start: null,
    created_at: created,
    last_used_at: null
  })
  const user = { id: '1', email: 'a@b', name: null }
  const storage = faultyStorage(emptyStorage(t), {
    listTokens: async ({ order, limit }) => {
      const listed = Array.from({ length: Math.min(limit, 520) }, (_, i) => ({ token: tokenAt(i + 1), user }))
      return order === 'asc' ? listed : listed.reverse()
    }
  })
  const app = await build(t, { storage, maxDataSize: 1024 * 1024 })
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b', data: { b: 1 } })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const shown = (i: number) => ({ id: `token-${i}`, token: '***', user_id: id, created_at: created, data: { a: '' } })

  for (const [path, of] of [
    ['/tokens?limit=1000', (json: any) => json.map(({ user: owner, ...token }: any) => owner.id === id && token)],
    ['/users/user-1/tokens', (json: any) => json], ['/users/user-1', (json: any) => json.api_tokens],
    ['/users/email/a@b', (json: any) => json.api_tokens]
  ] as const) {
    const reply = await fetch(`${origin}/admin${path}`, { headers: { 'x-admin-api-key': adminKey } })
    t.equal(reply.status, 200, path)
    t.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8')
    const json = await readLong(t, reply)
    const tokens = of(json)
    t.equal(tokens.length, 520)
    t.same([tokens[0], tokens[519]], [shown(1), shown(520)])
    if (path !== '/users/user-1') continue
    const { api_tokens: _, created_at: __, ...members } = json
    t.same(members, { id, email: 'a@b', name: null, max_concurrent_bots: 3, data: { b: 1 } })
    t.match(reply.headers.get('etag'), /^"0-[\w-]{22}"$/)
  }
})

t.test('GET /users: a reply is sent even if it is longer than the longest string', async (t) => {
  const common = { name: null, max_concurrent_bots: 1, created_at: '2024-01-01T12:00:00.000Z' }
  const userAt = (i: number) => ({ ...common, id: `${i}`, email: `${i}@b`, disabled: false, data, revision: 0 })
  const storage = faultyStorage(emptyStorage(t), {
    listUsers: async ({ limit }) => Array.from({ length: Math.min(limit, 520) }, (_, i) => userAt(i))
  })
  const app = await build(t, { storage, maxDataSize: 1024 * 1024 })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const get = (limit: number, method = 'GET') => fetch(`${url}/admin/users?limit=${limit}`, {
    method, headers: { 'x-admin-api-key': adminKey }
  })
  const reply = await get(1000)
  t.equal(reply.status, 200)
  t.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(reply.headers.get('cache-control'), 'no-store')
  t.equal(reply.headers.get('link'), null)
  const shown = await readLong(t, reply)
  t.equal(shown.length, 520)
  t.same(shown[519], { ...common, id: 'user-519', email: '519@b', data: { a: '' } })
  const page = await get(300, 'HEAD')
  t.equal(page.status, 200)
  t.match(page.headers.get('link'), /after=user-299/)
})
