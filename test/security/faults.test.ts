// Each call that a request makes to the storage fails in each way.
// The tests check the reply, the log and the stored state.
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import Database from 'better-sqlite3'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import {
  KyselyStorage, vexaAdmin, type AuditedStorageAdapter, type Token, type VexaAdminOptions
} from '../../src/index.js'
import { hashTokenValue } from '../../src/services/token-value.js'
import { SqliteDialect } from '../../src/storage/sql/drivers/sqlite-dialect.js'
import { auditMethodNames, storageMethodNames } from '../../src/storage/storage-adapter.js'
import { root } from '../support/child.js'
import { emptyStorage } from '../support/databases.js'
import { interceptStorage, type StorageCall } from '../support/faulty-storage.js'
import { adminKey } from '../support/helpers.js'

// In parallel, because the tests with a hanging storage wait most of the time.
t.jobs = 8

const storageTimeout = 50
// The timer may take a quarter more, and a busy machine five seconds more.
const latest = storageTimeout * 1.25 + 5000

// The timer of the plugin is unreferenced.
const keepsProcessAlive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(keepsProcessAlive))

const unhandled: unknown[] = []
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (reason) => { unhandled.push(reason) })
}

/**
 * Requests with their status, and the status of the same request when it is repeated.
 * Names in capitals stand for a new user, its address, a token of that user (TOKEN by id, VALUE by value),
 * and a free address.
 */
const requests: Array<[request: string, status: number, repeated: number, payload?: object]> = [
  ['GET /admin/users', 200, 200],
  ['HEAD /admin/users', 200, 200],
  ['GET /admin/users?count=true&search=x&disabled=false', 200, 200],
  ['POST /admin/users', 201, 200, { email: 'FREE', data: { new: true } }],
  ['POST /admin/users', 200, 200, { email: 'EMAIL', name: 'other' }],
  ['GET /admin/users/USER', 200, 200],
  ['HEAD /admin/users/USER', 200, 200],
  ['GET /admin/users/email/ENCODED', 200, 200],
  ['HEAD /admin/users/email/ENCODED', 200, 200],
  ['GET /admin/users/email/EMAIL', 200, 200],
  ['HEAD /admin/users/email/EMAIL', 200, 200],
  ['PATCH /admin/users/USER', 200, 200, { name: 'changed', email: 'FREE' }],
  ['PATCH /admin/users/USER', 200, 200, { disabled: true }],
  ['PATCH /admin/users/USER', 200, 200, { name: 'changed', data: { old: null, new: true } }],
  ['PUT /admin/users/USER/data', 200, 200, { new: true }],
  ['DELETE /admin/users/USER', 204, 404],
  ['GET /admin/users/USER/tokens', 200, 200],
  ['HEAD /admin/users/USER/tokens', 200, 200],
  ['POST /admin/users/USER/tokens', 201, 201, { name: 'created' }],
  ['DELETE /admin/users/USER/tokens', 204, 204],
  ['GET /admin/users/USER/tokens?after=token-1&limit=1', 200, 200],
  ['GET /admin/tokens', 200, 200],
  ['HEAD /admin/tokens', 200, 200],
  ['GET /admin/tokens?count=true&search=f&state=active&unused_since=2999-01-01T00:00:00Z', 200, 200],
  ['DELETE /admin/tokens?state=expired&expired_before=2024-01-01T12:00:00Z', 200, 200],
  ['GET /admin/tokens/TOKEN', 200, 200],
  ['HEAD /admin/tokens/TOKEN', 200, 200],
  ['PATCH /admin/tokens/TOKEN', 200, 200, { disabled: true, data: { new: true } }],
  ['PATCH /admin/tokens/TOKEN', 200, 200, { name: 'changed', expires_in: 60 }],
  ['DELETE /admin/tokens/TOKEN', 204, 404],
  ['POST /admin/tokens/TOKEN/rotate', 201, 404],
  ['POST /admin/tokens/TOKEN/rotate', 201, 409, { grace_period: 60 }],
  ['POST /admin/tokens/verify', 200, 200, { token: 'VALUE' }],
  ['POST /admin/introspect', 200, 200, { token: 'VALUE' }],
  ['POST /admin/revoke', 200, 200, { token: 'VALUE' }],
  ['GET /admin/audit?user_id=USER&since=2024-01-01T12:00:00Z', 200, 200],
  ['HEAD /admin/audit', 200, 200],
  ['GET /me', 200, 200],
  ['HEAD /me', 200, 200],
  ['POST /late', 200, 200, {}]
]

interface Fault {
  /** Replaces a call of the storage, which would do `work`. `answered` resolves when the client has its reply. */
  act: (work: () => unknown, secret: Error, answered: Promise<void>) => unknown
  /** Whether the work is done in spite of the fault. */
  done?: boolean
}

/** Returns a fault that rejects with the result of `make`. */
const rejection = (make: (secret: Error) => unknown): Fault =>
  ({ act: async (_work, secret) => { throw make(secret) } })
const forEver = new Promise<never>(() => {})

const faults: Record<string, Fault> = {
  'throws before its work': rejection((secret) => secret),
  'throws after its work': { act: async (work, secret) => { await work(); throw secret }, done: true },
  'throws synchronously': { act: (_work, secret) => { throw secret } },
  'hangs for ever': { act: () => forEver },
  'hangs for ever after its work': { act: async (work) => { await work(); return forEver }, done: true },
  'throws after the timeout': { act: async (_work, secret, answered) => { await answered; throw secret } },
  'works after the timeout': {
    act: async (work, _secret, answered) => { await answered; return work() }, done: true
  },
  'rejects with a text': rejection(({ message }) => message),
  'rejects with undefined': rejection(() => undefined),
  'rejects with an object': rejection(({ message, ...members }) =>
    ({ ...members, message, name: message, toJSON: () => message })),
  'rejects with an error that has a status': rejection(({ message, ...members }) =>
    Object.assign(new Error(message), {
      ...members,
      status: 404,
      statusCode: 404,
      code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND',
      headers: {
        'x-sql': message
      },
      validation: [{ message }],
      expose: true
    })),
  'rejects by a thenable': {
    act: (_work, secret) => ({ then: (_resolve: unknown, reject: (reason: unknown) => void) => reject(secret) })
  }
}

const unavailable = {
  statusCode: 503,
  code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE',
  error: 'Service Unavailable',
  message: 'Storage cannot answer now'
}

/** Replaces one of the calls or statements of the next request, or each of them. */
class Trap {
  count = 0
  #which: number | 'each' | undefined
  #act: (work: () => unknown) => unknown = (work) => work()

  set (which: number | 'each', act: (work: () => unknown) => unknown): void {
    this.clear()
    this.#which = which
    this.#act = act
  }

  clear (): void {
    this.count = 0
    this.#which = undefined
  }

  pass (work: () => unknown): unknown {
    this.count++
    return this.#which === this.count || this.#which === 'each' ? this.#act(work) : work()
  }
}

// Methods that a request waits for.
const asked: Array<StorageCall['name']> = [...storageMethodNames, ...auditMethodNames]
  .filter((name) => !['open', 'close', 'touchTokens', 'pruneAudit'].includes(name))

/** Returns a storage whose calls pass through a trap. */
function trapped (t: Test, trap: Trap, names = asked): AuditedStorageAdapter {
  const stored = emptyStorage(t)
  t.teardown(() => stored.close())
  return interceptStorage(stored, ({ name, proceed }) => names.includes(name) ? trap.pass(proceed) : proceed())
}

/** Returns a storage whose statements, including `begin` and `commit`, pass through a trap. */
function statementsTrapped (trap: Trap): AuditedStorageAdapter {
  const open = async () => {
    const database = new Database(':memory:')
    const prepare = (sql: string) => {
      const statement = database.prepare(sql)
      // No request waits for this statement.
      const aside = sql.includes('set "last_used_at"')
      const pass = (name: 'all' | 'get' | 'run') => (parameters: unknown[]): any => {
        const work = () => statement[name](parameters)
        return aside ? work() : trap.pass(work)
      }
      return {
        reader: statement.reader,
        columns: () => statement.columns(),
        raw: () => statement.raw(),
        all: pass('all'),
        get: pass('get'),
        run: pass('run')
      }
    }
    return { get inTransaction () { return database.inTransaction }, prepare, close: () => database.close() }
  }
  return new KyselyStorage({ dialect: new SqliteDialect({ open, pragmas: ['foreign_keys = on'], busyTimeout: 1000 }) })
}

interface Subject { n: number, user: string, tokens: [Token, Token, Token] }

async function start (t: Test, storage: AuditedStorageAdapter, tokenCache: VexaAdminOptions['tokenCache'] = false) {
  const log = { text: '' }
  const routes = { there: new Set<string>(), met: new Set<string>() }
  const app = Fastify({ logger: { level: 'trace', stream: { write: (line: string) => { log.text += line } } } })
  t.teardown(() => app.close())
  app.addHook('onRoute', ({ method, url }) => { routes.there.add(`${method} ${url}`) })
  app.addHook('onResponse', async ({ method, routeOptions }) => { routes.met.add(`${method} ${routeOptions.url}`) })
  await app.register(vexaAdmin, {
    adminKeys: adminKey, storage, storageTimeout, tokenCache, scopes: ['bot'], duplicateEmail: 'return', audit: true
  })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  app.post('/late', { preHandler: app.vexaAdmin.requireToken({ scopes: ['bot'] }) }, async (request) => request.apiUser)

  let n = 0
  /** Creates a user with three tokens. Two of them have been used, so that a cache may hold them. */
  async function prepare (): Promise<Subject> {
    const { id } = await app.vexaAdmin.users.create({ email: addressOf(++n), name: 'old', data: { old: true } })
    const create = (name: string) => app.vexaAdmin.tokens.create(id, { name, expires_in: 3600 })
    const tokens: Subject['tokens'] = [await create('first'), await create('second'), await create('third')]
    await use(app, tokens[0])
    await use(app, tokens[1])
    return { n, user: id, tokens }
  }
  return { app, log, routes, prepare }
}

// Unless it is encoded, the slash leads to another route.
const addressOf = (n: number) => `user${n}/x@example.com`
const freeAddressOf = (n: number) => `free${n}@example.com`

const use = (app: FastifyInstance, { token }: Token) => app.inject({ url: '/me', headers: { 'x-api-key': token } })

function send (app: FastifyInstance, [request, , , payload]: typeof requests[number], subject: Subject) {
  const { n, user, tokens: [first, , third] } = subject
  const values: Record<string, string> = {
    USER: user,
    TOKEN: first.id,
    VALUE: third.token,
    EMAIL: addressOf(n),
    ENCODED: encodeURIComponent(addressOf(n)),
    FREE: freeAddressOf(n)
  }
  const fill = (text: string) => text.replace(/USER|TOKEN|VALUE|EMAIL|ENCODED|FREE/g, (name) => String(values[name]))
  const [method, url] = fill(request).split(' ') as ['GET', string]
  const headers = url.startsWith('/admin') ? { 'x-admin-api-key': adminKey } : { 'x-api-key': third.token }
  return app.inject({ method, url, headers, ...(payload && { payload: JSON.parse(fill(JSON.stringify(payload))) }) })
}

/** Returns the state of a subject, without the parts that differ between subjects. */
async function look (app: FastifyInstance, { n, user, tokens }: Subject) {
  /** Returns the entries of the audit trail about a user, each token as its number. */
  const trailOf = async (userId: string) => {
    const numberOf = (id?: string) => id && tokens.findIndex((token) => token.id === id)
    const entries = await app.vexaAdmin.audit.list({ user_id: userId, order: 'asc' })
    return entries.map(({ action, changed, token_id: token, successor_id: successor }) =>
      [action, changed, numberOf(token), numberOf(successor)])
  }
  const find = async (path: string) => {
    const reply = await app.inject({ url: `/admin/users/${path}`, headers: { 'x-admin-api-key': adminKey } })
    if (reply.statusCode !== 200) return reply.statusCode
    const { id, created_at: _, email, api_tokens: tokens, ...rest } = reply.json()
    return {
      ...rest,
      trail: await trailOf(id),
      email: email.replace(n, ''),
      tokens: tokens.map(({ name, data, disabled, expires_at: end }: Token) =>
        [name, data, disabled, end && Math.ceil((Date.parse(end) - Date.now()) / 60_000)])
    }
  }
  const opened = []
  for (const token of tokens) opened.push((await use(app, token)).statusCode)
  return { user: await find(user), free: await find(`email/${freeAddressOf(n)}`), opened, trail: await trailOf(user) }
}

/** Returns an error that holds every kind of secret. */
function secretOf ({ tokens: [first] }: Subject): Error {
  const hash = hashTokenValue(first.token)
  const text = `SECRET: insert into vexa_tokens (hash) values (x'${hash.toString(
    'hex'
  )}'), for ${first.token}, by ${adminKey}, at ${root}src/storage.ts:1:1`
  return Object.assign(new Error(text, { cause: new Error(text) }), {
    code: 'SECRET text',
    sql: text,
    query: text,
    parameters: [hash, hash.toString('base64')],
    detail: 'Key (email)=(someone@example.com) already exists.',
    path: root
  })
}

/** Prepares a fault for a subject. `end` tells the fault that the client has its reply, and waits for its work. */
function begin (act: Fault['act'], subject: Subject) {
  const secret = secretOf(subject)
  let tell!: () => void
  const answered = new Promise<void>((resolve) => { tell = resolve })
  const working: unknown[] = []
  const noted = (work: () => unknown) => () => {
    const result = work()
    working.push(result)
    return result
  }
  return {
    act: (work: () => unknown) => act(noted(work), secret, answered),
    end: async () => {
      tell()
      await setImmediate()
      await Promise.allSettled(working)
    }
  }
}

/** Returns the secrets and stacks that a text contains. */
function leaksIn (text: string, { tokens }: Subject): string[] {
  const patterns = [
    /SECRET/i, /insert into|vexa_|already exists/, /someone@/, /\bat .*:\d+/, /\.[jt]s:\d/, /node_modules/
  ]
  const hashes = tokens.map(({ token }) => hashTokenValue(token))
  const values = [
    adminKey, root, ...tokens.map(({ token }) => token),
    ...hashes.flatMap((hash) => [hash.toString('hex'), hash.toString('base64'), String([...hash])])
  ]
  return [
    ...patterns.filter((pattern) => pattern.test(text)).map(String), ...values.filter((value) => text.includes(value))
  ]
}

/** The outcome of each request when nothing fails. */
const surveyed: Array<{ request: typeof requests[number], calls: number, before: object, after: object }> = []

t.test('faults: the requests of this file cover every route, and call the storage', {
  buffered: false
}, async (t) => {
  const trap = new Trap()
  const { app, routes, prepare } = await start(t, trapped(t, trap))
  for (const request of requests) {
    const before = await look(app, await prepare())
    const subject = await prepare()
    trap.clear()
    t.equal((await send(app, request, subject)).statusCode, request[1], request[0])
    const calls = trap.count
    t.ok(calls > 0)
    surveyed.push({ request, calls, before, after: await look(app, subject) })
    t.equal((await send(app, request, subject)).statusCode, request[2], `${request[0]}, repeated`)
  }
  // The routes of overlong ids and of the settings never call the storage.
  const others = [...routes.there].filter((route) => !/\/(users\/\*|tokens\/\*|settings)$/.test(route))
  t.same(others.filter((route) => !routes.met.has(route)), [])
  t.ok(others.length > 20)
})

for (const tokenCache of [false, { ttl: 60_000 }] as const) {
  for (const [name, { act, done = false }] of Object.entries(faults)) {
    // A cache can differ from the storage only if the work was done.
    if (tokenCache !== false && !done) continue
    const cache = tokenCache === false ? '' : ' with a cache'
    t.test(`faults${cache}: a storage that ${name} leads to 503, and all or nothing`, async (t) => {
      const trap = new Trap()
      const { app, log, prepare } = await start(t, trapped(t, trap), tokenCache)
      for (const { request, calls, before, after } of surveyed) {
        const [title, status, repeated] = request
        for (let call = 1; call <= calls; call++) {
          const subject = await prepare()
          log.text = ''
          const fault = begin(act, subject)
          trap.set(call, fault.act)
          const begun = performance.now()
          const reply = await send(app, request, subject)
          const took = performance.now() - begun
          trap.clear()
          await fault.end()

          // Only the last call of a request changes anything.
          const changed = done && call === calls
          t.same({
            status: reply.statusCode,
            body: reply.body && reply.json(),
            retryAfter: reply.headers['retry-after'],
            challenge: reply.headers['www-authenticate'],
            late: took > latest && took,
            leaked: leaksIn(JSON.stringify(reply.headers) + reply.body, subject),
            left: await look(app, subject),
            repeated: (await send(app, request, subject)).statusCode,
            logged: leaksIn(log.text, subject)
          }, {
            status: 503,
            body: title.startsWith('HEAD') ? '' : unavailable,
            retryAfter: '1',
            challenge: undefined,
            late: false,
            leaked: [],
            left: changed ? after : before,
            repeated: changed ? repeated : status,
            logged: []
          }, `${title}, call ${call} of ${calls}`)
        }
      }
    })
  }
}

t.test('faults: the app ends when touchTokens or close fails, and logs no secret', async (t) => {
  for (const [name, { act }] of Object.entries(faults)) {
    const trap = new Trap()
    const { app, log, prepare } = await start(t, trapped(t, trap, ['touchTokens', 'close']))
    const subject = await prepare()
    const fault = begin(act, subject)
    trap.set('each', fault.act)
    const begun = performance.now()
    await app.close()
    t.ok(performance.now() - begun < 2 * latest, name)
    trap.clear()
    await fault.end()
    t.match(log.text, /last_used_at cannot be written now.*The storage cannot be closed/s, name)
    t.same(leaksIn(log.text, subject), [], name)
  }
})

t.test('faults: SQLite changes all or nothing when a statement fails', async (t) => {
  for (const done of [false, true]) {
    const trap = new Trap()
    const { app, log, prepare } = await start(t, statementsTrapped(trap))
    for (const { request, before, after } of surveyed) {
      const [title, status, repeated] = request
      const undisturbed = await prepare()
      trap.clear()
      await send(app, request, undisturbed)
      const statements = trap.count
      t.ok(statements > 0)
      for (let nth = 1; nth <= statements; nth++) {
        const subject = await prepare()
        log.text = ''
        trap.set(nth, (work) => {
          // A constraint may throw an error of its own.
          try { if (done) work() } catch {}
          throw Object.assign(secretOf(subject), { code: 'SQLITE_IOERR' })
        })
        const reply = await send(app, request, subject)
        trap.clear()
        const left = await look(app, subject)
        const changed = !isDeepStrictEqual(left, before)
        t.same({
          status: reply.statusCode,
          body: reply.body && reply.json(),
          left,
          repeated: (await send(app, request, subject)).statusCode,
          leaks: leaksIn(JSON.stringify(reply.headers) + reply.body + log.text, subject)
        }, {
          status: 503,
          body: title.startsWith('HEAD') ? '' : unavailable,
          left: changed ? after : before,
          repeated: changed ? repeated : status,
          leaks: []
        }, `${title}, statement ${nth} of ${statements}, ${done ? 'run' : 'not run'}`)
      }
    }
  }
})

t.test('faults: no rejection stays unhandled', { buffered: false }, async (t) => {
  await sleep(2 * storageTimeout)
  t.same(unhandled, [])
})
