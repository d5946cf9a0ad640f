import t, { type Test } from 'tap'
import { run } from '../support/child.js'

const key = 'a-key-from-the-environment'

async function start (t: Test) {
  const child = run(t, 'examples/host-app.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0' } })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
    const reply = await fetch(url + path, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    })
    return { status: reply.status, body: await reply.json().catch(() => undefined) as never }
  }
  return { child, ask }
}

t.test('host-app: mounts the admin API under its own prefix', async (t) => {
  const { child, ask } = await start(t)
  t.equal((await ask('GET', '/internal/admin/users')).status, 401)
  t.equal((await ask('GET', '/internal/admin/users', { 'x-admin-api-key': key })).status, 200)
  t.equal((await ask('GET', '/admin/users', { 'x-admin-api-key': key })).status, 404)
  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
})

t.test('host-app: a user signs up, and starts at most max_concurrent_bots bots', async (t) => {
  const { ask } = await start(t)
  const { status, body } = await ask('POST', '/sign-up', {}, { email: 'Jane@example.com' })
  const { user, token } = body as { user: { id: string }, token: string }
  t.equal(status, 201)
  t.equal((await ask('POST', '/sign-up', {}, { email: 'jane@EXAMPLE.com' })).status, 409)
  t.equal((await ask('POST', '/sign-up', {}, { email: 'nobody' })).status, 400)

  const bearer = { authorization: `Bearer ${token}` }
  t.equal((await ask('GET', '/me')).status, 401)
  t.match((await ask('GET', '/me', bearer)).body, user)
  for (const expected of [201, 201, 201, 429]) t.equal((await ask('POST', '/bots', bearer)).status, expected)
  await ask('PATCH', `/internal/admin/users/${user.id}`, { 'x-admin-api-key': key }, { max_concurrent_bots: 4 })
  t.same(await ask('POST', '/bots', bearer), { status: 201, body: { bots: 4, limit: 4 } })
  await ask('PATCH', `/internal/admin/users/${user.id}`, { 'x-admin-api-key': key }, { disabled: true })
  t.equal((await ask('GET', '/me', bearer)).status, 403)
})

t.test('host-app: ends with a coded error when no admin key is set', async (t) => {
  const child = run(t, 'examples/host-app.ts', { cwd: t.testdir() })
  t.equal(await child.exit, 1)
  t.match(child.output(), /VEXA_ADMIN_ERR_INVALID_OPTION/)
})
