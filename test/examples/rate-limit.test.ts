import t from 'tap'
import { run } from '../child.js'

const key = 'a-key-from-the-environment'

t.test('who guesses is stopped after so many requests, of admin keys and tokens alike', async (t) => {
  for (const [path, header] of [['/admin/users', 'x-admin-api-key'], ['/me', 'x-api-key']] as const) {
    const child = run(t, 'examples/rate-limit.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0', MAX_PER_MINUTE: '10' } })
    const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
    const statuses = []
    for (let n = 0; n < 12; n++) statuses.push((await fetch(url + path, { headers: { [header]: `guess-number-${n}-of-the-key` } })).status)
    t.same(statuses, [...Array(10).fill(401), 429, 429], path)
    const reply = await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })
    t.equal(reply.status, 429, 'who guesses right then learns nothing')
    t.ok(Number(reply.headers.get('retry-after')) > 0)
    child.process.kill('SIGTERM')
    t.equal(await child.exit, 0)
  }
})

t.test('who has the key is let in', async (t) => {
  const child = run(t, 'examples/rate-limit.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: key, PORT: '0' } })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  for (let n = 0; n < 20; n++) t.equal((await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': key } })).status, 200)
})
