// Fifty thousand writes from eight clients over two processes, while PostgreSQL crashes twice. Run by `npm run soak`.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { createTokenValue } from '../../src/services/token-value.js'
import { run } from '../support/child.js'
import { dialectFor } from '../support/databases.js'
import { adminKey } from '../support/helpers.js'
import { send } from '../support/send.js'
import { startServer, uninstalled } from '../support/servers.js'

const wanted = 50_000

t.test('postgres: keeps all acknowledged writes when the server crashes under load', {
  skip: uninstalled('postgres')
}, async (t) => {
  const server = await startServer(t, 'postgres')
  const apps = ['one', 'two'].map(() =>
    run(t, 'test/support/fixtures/guarded-server.ts', { args: ['postgres:soak_'], env: { POSTGRES_URL: server.url } }))
  const urls = await Promise.all(apps.map((app) => app.line(/^http/)))
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  const writes = { acknowledged: 0, refused: 0 }
  const uses = { let: 0, refused: 0, unavailable: 0, wrong: 0 }
  /** Keys of the users that must exist, each with the keys of its tokens that must exist. */
  const users = new Map<string, Set<string>>()
  const deletedUsers = new Set<string>()
  const revokedTokens = new Set<string>()

  /**
   * Sends a write, and returns the reply if it was acknowledged. An unacknowledged write may be stored all the same.
   */
  const write = async (url: string, method: string, path: string, body?: object) => {
    const reply = await send(agent, method, `${url}/admin${path}`, { 'x-admin-api-key': adminKey }, body)
    if (reply.status >= 200 && reply.status < 300) {
      writes.acknowledged++
      return reply.body as { id: string, token: string } | undefined
    }
    if (reply.status !== 503) t.fail(`${method} ${path.replace(/\d+/, 'n')} was answered ${reply.status}`)
    writes.refused++
    await sleep(10)
    return null
  }
  const use = async (url: string, token: string, expected: 200 | 401) => {
    const { status } = await send(agent, 'GET', `${url}/me`, { 'x-api-key': token })
    if (status === 503) uses.unavailable++
    else if (status !== expected) uses.wrong++
    else if (status === 200) uses.let++
    else uses.refused++
  }
  const id = (reply: { id: string }) => reply.id.replace(/^\w+-/, '')

  const client = async (n: number) => {
    const [here, there] = n % 2 === 0 ? [urls[0], urls[1]] as [string, string] : [urls[1], urls[0]] as [string, string]
    for (let i = 0; writes.acknowledged < wanted; i++) {
      const user = await write(here, 'POST', '/users', { email: `${n}-${i}@x` })
      if (!user) continue
      const tokens = new Set<string>()
      users.set(id(user), tokens)
      const values: string[] = []
      for (let m = 0; m < 3; m++) {
        const token = await write(there, 'POST', `/users/${user.id}/tokens`)
        if (!token) continue
        tokens.add(id(token))
        values.push(token.token)
        await use(here, token.token, 200)
        if (m === 0) {
          // From here on the user may or may not exist, until the reply comes.
          tokens.delete(id(token))
          if (await write(here, 'DELETE', `/tokens/${token.id}`) === null) { values.pop(); continue }
          revokedTokens.add(id(token))
          await use(there, token.token, 401)
          values.pop()
        }
      }
      await use(there, createTokenValue('vex_'), 401)
      if (i % 4 === 0) {
        users.delete(id(user))
        if (await write(there, 'DELETE', `/users/${user.id}`) === null) continue
        deletedUsers.add(id(user))
        for (const value of values) await use(here, value, 401)
      }
    }
  }
  const clients = Promise.all(Array.from({ length: 8 }, (_, n) => client(n)))
  for (const share of [0.33, 0.66]) {
    while (writes.acknowledged < wanted * share) await sleep(20)
    await server.crash()
    await sleep(500)
    await server.start()
  }
  await clients

  t.same(
    apps.map(({ process }) => [process.exitCode, process.signalCode]),
    [[null, null], [null, null]],
    'both processes live'
  )
  t.equal(uses.wrong, 0, 'nobody was let in, or turned away, wrongly')
  t.ok(uses.unavailable > 0 && writes.refused > 0, 'the crashes were noticed')
  t.comment(JSON.stringify({ writes, uses }))

  const storage = new KyselyStorage({ dialect: dialectFor('postgres', server.url), tablePrefix: 'soak_' })
  t.teardown(() => storage.close())
  await storage.open()
  const missing = { users: 0, tokens: 0, revocations: 0, deletions: 0 }
  for (const [key, tokens] of users) {
    if (await storage.findUser(key) === undefined) missing.users++
    const listed = await storage.listTokens({ userId: key, order: 'asc', limit: 1_000_000 })
    const stored = new Set(listed.map(({ token }) => token.id))
    for (const token of tokens) if (!stored.has(token)) missing.tokens++
    for (const token of stored) if (revokedTokens.has(token)) missing.revocations++
  }
  for (const key of deletedUsers) if (await storage.findUser(key) !== undefined) missing.deletions++
  t.same(
    missing,
    { users: 0, tokens: 0, revocations: 0, deletions: 0 },
    `of ${users.size} users and what became of their tokens`
  )
})
