import { join } from 'node:path'
import t from 'tap'
import { run } from '../support/child.js'
import { vexaKeys } from '../support/vexa.js'

t.test('vexa: serves the calls of a sign-in, and both APIs show the same user', async (t) => {
  const child = run(t, 'examples/vexa.ts', {
    env: {
      ADMIN_API_KEY: 'a-key-from-the-environment',
      ADMIN_API_TOKEN: vexaKeys.adminKey,
      INTERNAL_API_SECRET: vexaKeys.internalSecret,
      DATABASE_FILE: join(t.testdir(), 'admin.db'),
      PORT: '0'
    }
  })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  const admin = { 'X-Admin-API-Key': vexaKeys.adminKey, 'Content-Type': 'application/json' }
  const internal = { 'X-Internal-Secret': vexaKeys.internalSecret, 'Content-Type': 'application/json' }
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
    const reply = await fetch(url + path, { method, headers, ...body && { body: JSON.stringify(body) } })
    return { status: reply.status, body: await reply.json() as Record<string, unknown> }
  }

  const email = 'jane@example.com'
  t.equal((await ask('GET', `/admin/users/email/${encodeURIComponent(email)}`, admin)).status, 404)
  const { body: user } = await ask('POST', '/admin/users', admin, { email })
  const { body: { token } } = await ask('POST', `/admin/users/${user.id}/tokens?scopes=bot,tx,browser`, admin)
  t.match(await ask('POST', '/internal/bootstrap-admin', internal, { user_id: user.id }), { body: { claimed: true } })
  t.same(await ask('POST', '/internal/validate', internal, { token }), {
    status: 200,
    body: { user_id: 1, scopes: ['bot', 'tx', 'browser'], max_concurrent: 3, email, is_admin: true }
  })
  const operator = { 'X-Admin-API-Key': 'a-key-from-the-environment' }
  t.match((await ask('GET', '/api/admin/users/user-1', operator)).body, { email, data: { is_admin: true } })
  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
})

t.test('vexa: ends with a coded error when a key is a default of Vexa', async (t) => {
  const child = run(t, 'examples/vexa.ts', {
    cwd: t.testdir(),
    env: { ADMIN_API_KEY: 'a-key-from-the-environment', ADMIN_API_TOKEN: 'changeme' }
  })
  t.equal(await child.exit, 1)
  t.match(child.output(), /VEXA_ADMIN_ERR_INVALID_OPTION/)
  t.notMatch(child.output(), /: changeme\b/)
})
