import Database from 'better-sqlite3'
import Fastify from 'fastify'
import { User } from '../../../src/index.js'
import { someone, type Contender } from '../contender.js'
import { peer } from '../peer.js'

// Its defaults, except the limit of ten requests a day for each key, which would end the bench at once.
const defaults = { rateLimit: { enabled: true, timeWindow: 1000, maxRequests: 1e9 } }

export default async function betterAuth (
  filename: string,
  keySettings: object = defaults,
  settings: object = {}
): Promise<Contender> {
  const { betterAuth } = await peer('better-auth')
  const { getMigrations } = await peer('better-auth/db/migration')
  const { apiKey } = await peer('@better-auth/api-key')
  const database = new Database(`${filename}.better-auth`)
  for (const pragma of ['journal_mode = wal', 'synchronous = full', 'cache_size = -16384']) database.pragma(pragma)
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
  const { user } = await auth.api.signUpEmail({
    body: { email: 'user@example.com', name: 'John Doe', password: 'a-long-password' }
  })
  const { key } = await auth.api.createApiKey({ body: { userId: user.id } })
  const check = async (token: string) => {
    const { valid } = await auth.api.verifyApiKey({ body: { key: token } })
    if (!valid) throw new Error('not valid')
    return someone
  }
  const app = Fastify()
  app.get('/me', {
    schema: { response: { 200: User } },
    onRequest: async (request) => { await check(String(request.headers['x-api-key'])) }
  }, async () => someone)
  return { app, check, token: key }
}
