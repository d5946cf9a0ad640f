import { hash } from 'node:crypto'
import Database from 'better-sqlite3'
import Fastify from 'fastify'
import { Kysely, SqliteDialect } from 'kysely'
import { User } from '../../../src/index.js'
import type { Contender } from '../contender.js'

export default async function plainKysely (filename: string): Promise<Contender> {
  const db = new Kysely<any>({ dialect: new SqliteDialect({ database: new Database(filename) }) })
  const check = async (token: string) => {
    const row = await db.selectFrom('vexa_tokens as t').innerJoin('vexa_users as u', 'u.id', 't.user_id')
      .select([
        'u.id', 'u.email', 'u.name', 'u.max_concurrent_bots', 'u.created_at', 'u.disabled', 't.expires_at', 't.scopes',
        't.name as token_name', 't.last_used_at'
      ])
      .where('t.hash', '=', hash('sha256', token, 'buffer')).executeTakeFirst()
    return row && { ...row, id: `user-${row.id}` }
  }
  const app = Fastify()
  app.decorateRequest('user', null)
  app.get('/me', {
    schema: { response: { 200: User } },
    onRequest: async (request) => {
      const user = await check(String(request.headers['x-api-key']))
      if (!user) throw Object.assign(new Error('no'), { statusCode: 401 })
      Object.assign(request, { user })
    }
  }, async (request) => (request as unknown as { user: User }).user)
  app.addHook('onClose', () => db.destroy())
  return { app, check }
}
