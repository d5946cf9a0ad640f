import t from 'tap'
import { run } from '../support/child.js'

const key = 'a-key-from-the-environment'

t.test('rate-limit: an address that guesses admin keys or tokens gets 429 after its limit', async (t) => {
  for (const [path, header] of [['/admin/users', 'x-admin-api-key'], ['/me', 'x-api-key']] as const) {
    const env = { ADMIN_API_KEY: key, PORT: '0', MAX_PER_MINUTE: '10' }
    const child = run(t, 'examples/rate-limit.ts', { cwd: t.testdir(), env })
    const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
    const statuses = []
    for (let n = 0; n < 12; n++) {
      statuses.push((await fetch(url + path, { headers: { [header]: `guess-number-${n}-of-the-key` } })).status)
    }
    t.same(statuses, [...Array(10).fill(401), 429, 429], path)
    const reply = await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })
    t.equal(reply.status, 429, 'a right guess gets 429, too')
    t.ok(Number(reply.headers.get('retry-after')) > 0)
    child.process.kill('SIGTERM')
    t.equal(await child.exit, 0)
  }
})

t.test('rate-limit: a client with the admin key is accepted below the limit', async (t) => {
  const child = run(t, 'examples/rate-limit.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0' } })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  for (let n = 0; n < 20; n++) {
    const reply = await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })
    t.equal(reply.status, 200)
  }
})

t.test('rate-limit: each token has its own limit besides that of the address', async (t) => {
  const env = { ADMIN_API_KEY: key, PORT: '0', MAX_PER_MINUTE: '20', MAX_PER_TOKEN: '3' }
  const child = run(t, 'examples/rate-limit.ts', { cwd: t.testdir(), env })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  const admin = { 'x-admin-api-key': key }
  const create = async (path: string, body?: string) => {
    const headers = { ...admin, ...(body && { 'content-type': 'application/json' }) }
    const reply = await fetch(url + path, { method: 'POST', headers, ...(body && { body }) })
    return await reply.json() as { id: string, token: string }
  }
  const me = (token: string) => fetch(`${url}/me`, { headers: { 'x-api-key': token } })
  const { id } = await create('/admin/users', '{"email":"user@example.com"}')
  const [one, other] = [await create(`/admin/users/${id}/tokens`), await create(`/admin/users/${id}/tokens`)]

  const statuses = []
  for (let n = 0; n < 4; n++) statuses.push((await me(one.token)).status)
  t.same(statuses, [200, 200, 200, 429])
  const rejected = await me(one.token)
  t.equal(rejected.headers.get('x-ratelimit-limit'), '3')
  t.ok(Number(rejected.headers.get('retry-after')) > 0)
  t.match(await rejected.json(), { statusCode: 429, error: 'Too Many Requests' })
  const accepted = await me(other.token)
  t.equal(accepted.status, 200)
  t.equal(accepted.headers.get('x-ratelimit-remaining'), '2')
  t.equal((await fetch(`${url}/admin/users`, { headers: admin })).status, 200, 'admins have no limit per token')

  // The address has made 10 requests until here.
  const guesses = []
  for (let n = 0; n < 12; n++) guesses.push((await me(`guess-number-${n}`)).status)
  t.same(guesses, [...Array(10).fill(401), 429, 429])
  const limited = await fetch(`${url}/admin/users`, { headers: admin })
  t.equal(limited.status, 429, 'the address is limited before the key is checked')
  t.equal((await me(other.token)).headers.get('x-ratelimit-limit'), '20', 'and before the token is checked')
})
