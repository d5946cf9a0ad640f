import t from 'tap'
import { run } from '../child.js'

t.test('the app keeps its own routes, and mounts the admin API under another prefix', async (t) => {
  const key = 'a-key-from-the-environment'
  const child = run(t, 'examples/host-app.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0' } })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  t.same(await (await fetch(url)).json(), { hello: 'world' })
  t.equal((await fetch(`${url}/internal/admin/users`)).status, 401)
  t.equal((await fetch(`${url}/internal/admin/users`, { headers: { 'x-admin-api-key': key } })).status, 200)
  t.equal((await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })).status, 404)
  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
})

t.test('without a key it does not start, and says why', async (t) => {
  const child = run(t, 'examples/host-app.ts', { cwd: t.testdir() })
  t.equal(await child.exit, 1)
  t.match(child.output(), /VEXA_ADMIN_ERR_INVALID_OPTION/)
})
