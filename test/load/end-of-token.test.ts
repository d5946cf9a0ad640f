import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { run } from '../support/child.js'
import { emptyPlace } from '../support/databases.js'
import { adminKey } from '../support/helpers.js'
import { send } from '../support/send.js'

// Forty requests at a time use the token, in two processes.
t.test('requireToken: rejects each request that begins after the token has ended', async (t) => {
  const place = emptyPlace(t)
  const servers = ['one', 'two'].map(() => run(t, 'test/support/fixtures/guarded-server.ts', { args: [place] }))
  const [one, two] = await Promise.all(servers.map((server) => server.line(/^http/))) as [string, string]
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const admin = (method: string, path: string, body?: object) => send(
    agent, method, `${one}/admin${path}`, { 'x-admin-api-key': adminKey }, body
  )

  const ends: Record<string, (user: string, token: string) => Promise<{ status: number }>> = {
    revoked: (_user, token) => admin('DELETE', `/tokens/${token}`),
    'all revoked': (user) => admin('DELETE', `/users/${user}/tokens`),
    rotated: (_user, token) => admin('POST', `/tokens/${token}/rotate`),
    'user disabled': (user) => admin('PATCH', `/users/${user}`, { disabled: true }),
    'user deleted': (user) => admin('DELETE', `/users/${user}`)
  }
  for (const [name, end] of Object.entries(ends)) {
    const user = (await admin('POST', '/users', { email: `${name.replace(' ', '-')}@x` })).body as { id: string }
    const token = (await admin('POST', `/users/${user.id}/tokens`)).body as { id: string, token: string }
    let ended = Infinity
    const state = { running: true }
    const counts = { before: 0, after: 0, wrong: 0 }
    const client = async (url: string) => {
      while (state.running) {
        const begun = performance.now()
        const { status } = await send(agent, 'GET', `${url}/me`, { 'x-api-key': token.token })
        if (begun < ended) counts.before++
        else if (status === 200) counts.wrong++
        else counts.after++
        if (status !== 200 && status !== 401 && status !== 403) t.fail(`status ${status}`)
      }
    }
    const clients = Array.from({ length: 40 }, (_, i) => client(i % 2 === 0 ? one : two))
    while (counts.before <= 80) await sleep(10)
    t.match((await end(user.id, token.id)).status, /^20[014]$/)
    ended = performance.now()
    while (counts.after <= 80) await sleep(10)
    state.running = false
    await Promise.all(clients)
    t.equal(counts.wrong, 0, name)
  }
})
