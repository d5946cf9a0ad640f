import { hash } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'
import { User } from '../../../src/index.js'
import type { Contender } from '../contender.js'

const text = `select u.id, u.email, u.name, u.max_concurrent_bots, u.disabled, u.data, u.created_at,
  t.id as token_id, t.name as token_name, t.scopes, t.expires_at, t.last_used_at,
  t.created_at as token_created_at from bench_tokens t join bench_users u on u.id = t.user_id where t.hash = $1`

/** An app by hand with a named statement, which each connection prepares once. */
export default async function postgresByHand (connectionString: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString, max: 10 })
  async function check (value: string): Promise<User | undefined> {
    const { rows: [row] } = await pool.query({ name: 'check', text, values: [hash('sha256', value, 'buffer')] })
    if (row === undefined || row.disabled || (row.expires_at !== null && row.expires_at <= Date.now())) return undefined
    const user: User = {
      id: `user-${row.id}`,
      email: row.email,
      name: row.name,
      max_concurrent_bots: row.max_concurrent_bots,
      created_at: row.created_at.toISOString()
    }
    if (row.data !== null) user.data = row.data
    return user
  }
  const app = Fastify()
  app.decorateRequest('user', null)
  app.get('/me', {
    schema: { response: { 200: User } },
    onRequest: async (request) => {
      const user = await check(String(request.headers['x-api-key']))
      if (user === undefined) throw Object.assign(new Error('no'), { statusCode: 401 })
      Object.assign(request, { user })
    }
  }, async (request) => (request as unknown as { user: User }).user)
  app.addHook('onClose', () => pool.end())
  return { app, check }
}
