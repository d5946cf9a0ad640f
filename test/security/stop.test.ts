// An app that closes answers the requests under way, writes the noted uses, and closes the storage last.
import { existsSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { StorageAdapter, Token } from '../../src/index.js'
import { run } from '../support/child.js'
import { emptyPlace, storageAt } from '../support/databases.js'
import { interceptStorage } from '../support/faulty-storage.js'
import { adminKey, build } from '../support/helpers.js'
import { send } from '../support/send.js'

/** Returns a storage that records its calls, and that can be held, so that callers wait. */
function watched (stored: StorageAdapter) {
  /** `+name` when a call begins, `-name` when it ends. */
  const events: string[] = []
  let waiting = 0
  let held: Promise<void> | undefined
  let release = () => {}
  const storage = interceptStorage(stored, async ({ name, proceed }) => {
    events.push(`+${name}`)
    waiting++
    await held
    // Slow, so that a caller that does not wait comes first in `events`.
    await sleep(20)
    waiting--
    try {
      return await proceed()
    } finally {
      events.push(`-${name}`)
    }
  })
  return {
    storage,
    events,
    waiting: () => waiting,
    hold: () => { held = new Promise((resolve) => { release = resolve }) },
    release: () => release()
  }
}

/** Starts an app with a guarded route on a watched storage. `ask` keeps its connections alive. */
async function start (t: Test, place: string, options: Parameters<typeof build>[1] = {}) {
  const { storage, ...watch } = watched(storageAt(place))
  const app = await build(t, { storage, ...options })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  let connections = 0
  app.server.on('connection', () => { connections++ })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const ask = (request: string, token = '', body?: object, over = agent) => {
    const [method, path] = request.split(' ') as [string, string]
    return send(
      over,
      method,
      url + path,
      path === '/me' ? { 'x-api-key': token } : { 'x-admin-api-key': adminKey },
      body
    )
  }
  return { ...watch, app, agent, ask, connections: () => connections }
}

const until = async (condition: () => boolean) => { while (!condition()) await sleep(2) }

t.test('close: answers requests under way, writes uses, and closes the storage last', async (t) => {
  const place = emptyPlace(t)
  const { app, agent, ask, connections, events, hold, release, waiting } = await start(t, place)
  const { users, tokens } = app.vexaAdmin
  const [{ id }, doomed] = [await users.create({ email: 'a@b' }), await users.create({ email: 'doomed@x' })]
  const [before, during, verified, revoked, rotated] = await Promise.all(
    ['before', 'during', 'verified', 'revoked', 'rotated', 'unused'].map((name) =>
      tokens.create(id, { name }))) as [Token, Token, Token, Token, Token]

  const requests: Array<[request: string, status: number, body?: object]> = [
    ['GET /admin/users', 200],
    [`GET /admin/users/${id}`, 200],
    ['GET /admin/users/email/a@b', 200],
    ['GET /admin/users/user-0', 404],
    ['POST /admin/users', 201, { email: 'created@x' }],
    ['POST /admin/users', 409, { email: 'a@b' }],
    [`PATCH /admin/users/${id}`, 200, { name: 'changed', data: { changed: true } }],
    [`DELETE /admin/users/${doomed.id}`, 204],
    [`GET /admin/users/${id}/tokens`, 200],
    [`POST /admin/users/${id}/tokens`, 201, { name: 'created' }],
    [`DELETE /admin/tokens/${revoked.id}`, 204],
    [`POST /admin/tokens/${rotated.id}/rotate`, 201],
    ['POST /admin/tokens/verify', 200, { token: verified.token }],
    ['GET /me', 200],
    ['GET /me', 200]
  ]
  // Simultaneous requests need a connection each.
  const used = await Promise.all(requests.map(() => ask('GET /me', before.token)))
  t.same(used.map(({ status }) => status), requests.map(() => 200))
  t.equal(connections(), requests.length)

  hold()
  const replies = requests.map(([request, , body]) => ask(request, during.token, body))
  await until(() => waiting() === requests.length)
  t.equal(connections(), requests.length, 'the requests use the same connections')
  const closing = [app.close(), app.close()]
  await until(() => !app.server.listening)
  await t.rejects(
    ask('GET /admin/users', '', undefined, new Agent()),
    { code: 'ECONNREFUSED' },
    'new connections are rejected'
  )
  // Enough time for a close that does not wait.
  await sleep(50)
  t.notOk(events.includes('+close'))
  release()
  t.same((await Promise.all(replies)).map(({ status }) => status), requests.map(([, status]) => status))

  // The connections are still open, unless Node.js has closed them with the replies.
  const asked = () => events.filter((event) => event.startsWith('+') && !/touch|close/.test(event)).length
  const askedBefore = asked()
  const late = await ask('GET /me', before.token).then(({ status }) => status, ({ code }) => code)
  t.match(String(late), /^(503|ECONN(REFUSED|RESET))$/)
  t.equal(asked(), askedBefore, 'a late request does not reach the storage')
  agent.destroy()
  await Promise.all(closing)
  await app.close()
  t.equal(events.filter((event) => event === '+close').length, 1, 'the storage is closed once')
  t.same(events.slice(-4), ['+touchTokens', '-touchTokens', '+close', '-close'], 'the storage is closed last')
  t.equal(waiting(), 0)
  await t.rejects(ask('GET /me', before.token), { code: 'ECONNREFUSED' })
  await t.rejects(
    tokens.verify({ token: before.token }),
    { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE' },
    'a call after close throws, and does not report an invalid token'
  )

  const later = await build(t, { storage: storageAt(place) })
  const { name, data, api_tokens: left } = await later.vexaAdmin.users.get(id)
  t.same([name, data], ['changed', { changed: true }])
  const lastUsed = Object.fromEntries(
    left.map(({ name, last_used_at: lastUsedAt }) => [name, lastUsedAt !== undefined])
  )
  t.same(lastUsed, { before: true, during: true, verified: true, unused: false, created: false, rotated: false })
  t.notOk(left.some(({ id }) => id === rotated.id))
  t.match(await later.vexaAdmin.users.getByEmail('created@x'), { email: 'created@x' })
  await t.rejects(later.vexaAdmin.users.get(doomed.id), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
})

t.test('close: returns 503 to requests under way when the storage hangs', async (t) => {
  // The timer of the plugin does not keep the process alive.
  const keepsProcessAlive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(keepsProcessAlive))
  const storageTimeout = 200
  const { app, agent, ask, hold, release, waiting } = await start(t, emptyPlace(t), { storageTimeout })
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(id)
  t.equal((await ask('GET /me', token)).status, 200)
  hold()
  const replies = ['GET /me', 'GET /admin/users', `GET /admin/users/${id}`, `DELETE /admin/users/${id}`].map(
    (request) => ask(request, token)
  )
  await until(() => waiting() === replies.length)
  const begun = performance.now()
  const closing = app.close()
  t.same((await Promise.all(replies)).map(({ status }) => status), [503, 503, 503, 503])
  agent.destroy()
  await closing
  // One timeout for the requests, one for the write of the use, one for the close. A slow machine gets the rest.
  t.ok(performance.now() - begun < 3 * 1.25 * storageTimeout + 1000)
  release()
  await until(() => waiting() === 0)
})

t.test('standalone: exits with 0 and loses nothing on SIGTERM under load', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  const file = place.slice('sqlite:'.length)
  const child = run(t, 'examples/standalone.ts', { env: { ADMIN_API_KEY: adminKey, DATABASE_FILE: file, PORT: '0' } })
  const url = JSON.parse(await child.line(/Server listening/)).msg.replace('Server listening at ', '')
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  /** The acknowledged users, with their tokens and whether each was used. */
  const known = new Map<string, Map<string, boolean>>()
  const ends: string[] = []
  let acknowledged = 0
  const client = async (n: number) => {
    const ask = async (path: string, body?: object) => {
      const { status, body: reply } = await send(
        agent,
        'POST',
        `${url}/admin${path}`,
        { 'x-admin-api-key': adminKey },
        body
      )
      if (status > 201) throw Object.assign(new Error(`${path} was answered ${status}`), { code: String(status) })
      acknowledged++
      return reply as Token
    }
    try {
      for (let i = 0; ; i++) {
        const user = await ask('/users', { email: `${n}-${i}@x` })
        const tokens = new Map<string, boolean>()
        known.set(user.id, tokens)
        const { id, token } = await ask(`/users/${user.id}/tokens`)
        tokens.set(id, false)
        await ask('/tokens/verify', { token })
        tokens.set(id, true)
      }
    } catch (error) {
      ends.push((error as { code: string }).code)
    }
  }
  const clients = Array.from({ length: 16 }, (_, n) => client(n))
  await until(() => acknowledged > 300 || ends.length > 0)
  // SQLite is so quick that a write is under way only while another one locks the file.
  const holder = run(t, 'test/support/fixtures/hold-lock.ts', { args: [file] })
  await holder.line(/locked/)
  let before
  do {
    before = acknowledged
    await sleep(300)
  } while (acknowledged > before)
  child.process.kill('SIGTERM')
  await sleep(100)
  holder.process.kill('SIGKILL')
  await Promise.all(clients)
  t.equal(acknowledged - before, clients.length, 'the writes that were under way are acknowledged')
  // Otherwise the program would wait until the idle connections time out.
  agent.destroy()
  t.equal(await child.exit, 0)

  t.same(
    ends.filter((end) => !/^(503|ECONN(REFUSED|RESET)|EPIPE)$/.test(end)),
    [],
    'clients saw only the errors of a stopping server'
  )
  const lines = child.output().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  const having = (msg: string) => lines.filter((line) => line.msg === msg).map(({ reqId }) => reqId)
  const completed = having('request completed')
  t.same(
    having('incoming request').filter((id) => !completed.includes(id)),
    [],
    'each request that began was completed'
  )
  t.equal(completed.length, acknowledged, 'each reply reached its client')
  t.same(lines.filter(({ res, err }) => res?.statusCode === 500 || err), [])
  t.notMatch(child.output(), new RegExp(`${adminKey}|vex_`))

  t.notOk(existsSync(`${file}-wal`), 'the database was closed')
  const later = await build(t, { storage: storageAt(place) })
  const lost: string[] = []
  for (const [id, tokens] of known) {
    const stored = await later.vexaAdmin.users.get(id).catch(() => undefined)
    if (stored === undefined) lost.push(id)
    for (const [tokenId, used] of tokens) {
      const token = stored?.api_tokens.find(({ id }) => id === tokenId)
      if (token === undefined || (used && token.last_used_at === undefined)) lost.push(tokenId)
    }
  }
  t.same(lost, [], `none of ${known.size} users or their tokens is lost`)
})
