import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { run } from '../support/child.js'
import { adminKey } from '../support/helpers.js'
import { freePort, startServer, uninstalled } from '../support/servers.js'

for (const [database, variable] of [['postgres', 'POSTGRES_URL'], ['mysql', 'MYSQL_URL']] as const) {
  const skip = uninstalled(database)

  t.test(`${database}: serves again after crashes of the server under load, with its data`, { skip }, async (t) => {
    const server = await startServer(t, database)
    const env = { [variable]: server.url, ADMIN_API_KEY: adminKey, PORT: String(await freePort()) }
    const url = `http://127.0.0.1:${env.PORT}`
    const start = async () => {
      const child = run(t, `examples/${database}.ts`, { env })
      await child.line(/Server listening/)
      return child
    }
    const post = async (path: string, body?: object) => {
      const reply = await fetch(`${url}/admin${path}`, {
        method: 'POST',
        headers: { 'x-admin-api-key': adminKey, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) })
      })
      return reply.json() as Promise<{ id: string, token: string }>
    }

    let child = await start()
    const user = await post('/users', { email: 'user@example.com' })
    const { token } = await post(`/users/${user.id}/tokens`)
    const use = async () => {
      const reply = await fetch(`${url}/me`, { headers: { 'x-api-key': token } })
      await reply.text()
      return reply.status
    }
    t.equal(await use(), 200)

    const statuses = new Set<number>()
    const stopping = new AbortController()
    const load = Promise.all(Array.from({ length: 8 }, async () => {
      while (!stopping.signal.aborted) statuses.add(await use())
    }))
    for (let round = 0; round < 3; round++) {
      await sleep(150)
      await server.crash()
      await sleep(150)
      await server.start()
    }
    while (await use() !== 200) await sleep(20)
    stopping.abort()
    await load
    t.same([...statuses].sort(), [200, 503])

    child.process.kill('SIGTERM')
    t.equal(await child.exit, 0, child.output())
    child = await start()
    t.equal(await use(), 200, 'after a new start')
    t.notMatch(child.output(), /vex_|select |insert /)
  })
}
