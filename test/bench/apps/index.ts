// The contenders: apps over a database file that `seed` has made. Each has some of the routes /me, /admin/users and /constant.
import { hash } from 'node:crypto'
import Database from 'better-sqlite3'
import Fastify, { type FastifyInstance } from 'fastify'
import { Kysely, SqliteDialect } from 'kysely'
import vexaAdmin, { sqliteStorage, User } from '../../../src/index.js'
import { peer } from '../peer.js'
import { floor } from './floor.js'

export const adminKey = 'an-admin-key-for-the-bench'

export interface Contender {
  app: FastifyInstance
  /** Checks a token in process. */
  check?: (token: string) => Promise<unknown>
  /** A token for /me, if it is none of those in the file. */
  token?: string
}

const schema = { response: { 200: User } }
const someone: User = { id: 'user-1', email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 3, created_at: '2024-01-01T12:00:00.000Z' }

export const contenders: Record<string, (filename: string) => Promise<Contender>> = {
  async 'by hand' (filename) {
    const { app, verify } = await floor(filename, adminKey)
    return { app, check: verify }
  },

  async 'fastify-vexa-admin' (filename) {
    const app = Fastify()
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: sqliteStorage({ filename }) })
    app.get('/me', { onRequest: app.vexaAdmin.requireToken(), schema }, async (request) => request.apiUser)
    return { app, check: (token) => app.vexaAdmin.tokens.verify({ token }) }
  },

  async 'Kysely, the plain way' (filename) {
    const db = new Kysely<any>({ dialect: new SqliteDialect({ database: new Database(filename) }) })
    const check = async (token: string) => {
      const row = await db.selectFrom('vexa_tokens as t').innerJoin('vexa_users as u', 'u.id', 't.user_id')
        .select(['u.id', 'u.email', 'u.name', 'u.max_concurrent_bots', 'u.created_at', 'u.disabled', 't.expires_at', 't.scopes', 't.name as token_name', 't.last_used_at'])
        .where('t.hash', '=', hash('sha256', token, 'buffer')).executeTakeFirst()
      return row && { ...row, id: `user-${row.id}` }
    }
    const app = Fastify()
    app.decorateRequest('user', null)
    app.get('/me', {
      schema,
      onRequest: async (request) => {
        const user = await check(String(request.headers['x-api-key']))
        if (!user) throw Object.assign(new Error('no'), { statusCode: 401 })
        Object.assign(request, { user })
      }
    }, async (request) => (request as unknown as { user: User }).user)
    app.addHook('onClose', () => db.destroy())
    return { app, check }
  },

  async 'constant JSON' () {
    const app = Fastify()
    app.get('/me', { schema }, async () => someone)
    return { app }
  },

  '@fastify/bearer-auth, 1 key': () => bearerAuth(1),
  '@fastify/bearer-auth, 1000 keys': () => bearerAuth(1000),

  // But for its limit of ten requests a day and key, which would end the bench at once.
  'better-auth, its defaults': () => betterAuth({ rateLimit: { enabled: true, timeWindow: 1000, maxRequests: 1e9 } }),
  // Keys in memory, nothing counted, updates later.
  'better-auth, its fastest': () => betterAuth({ rateLimit: { enabled: false }, storage: 'secondary-storage', deferUpdates: true }, {
    secondaryStorage: memory(),
    advanced: { backgroundTasks: { handler: () => {} } }
  })
}

function memory () {
  const values = new Map<string, string>()
  return {
    get: (key: string) => values.get(key) ?? null,
    set: (key: string, value: string) => { values.set(key, value) },
    delete: (key: string) => { values.delete(key) }
  }
}

async function bearerAuth (count: number): Promise<Contender> {
  const keys = Array.from({ length: count }, (_, i) => hash('sha256', String(i)))
  const app = Fastify()
  await app.register((await peer('@fastify/bearer-auth')).default, { keys: new Set(keys) })
  app.get('/me', { schema }, async () => someone)
  return { app, token: keys[count >> 1] as string }
}

async function betterAuth (keySettings: object, settings: object = {}): Promise<Contender> {
  const { betterAuth } = await peer('better-auth')
  const { getMigrations } = await peer('better-auth/db/migration')
  const { apiKey } = await peer('@better-auth/api-key')
  const database = new Database(':memory:')
  const options = {
    database,
    secret: 'a-secret-for-the-bench-of-32-characters',
    baseURL: 'http://127.0.0.1',
    emailAndPassword: { enabled: true },
    plugins: [apiKey(keySettings)],
    ...settings
  }
  await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)
  const { user } = await auth.api.signUpEmail({ body: { email: 'user@example.com', name: 'John Doe', password: 'a-long-password' } })
  const { key } = await auth.api.createApiKey({ body: { userId: user.id } })
  const check = async (token: string) => {
    const { valid } = await auth.api.verifyApiKey({ body: { key: token } })
    if (!valid) throw new Error('not valid')
    return someone
  }
  const app = Fastify()
  app.get('/me', {
    schema,
    onRequest: async (request) => { await check(String(request.headers['x-api-key'])) }
  }, async () => someone)
  return { app, check, token: key }
}
