// The app by hand, as fast as we know: no plugin, no Kysely, statements kept, the same schemas.
import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import Database from 'better-sqlite3'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Token } from '../../../src/schemas/tokens.js'
import { CreateUser, User, UserWithTokens } from '../../../src/schemas/users.js'
import { Type } from '@sinclair/typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function checksum (text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < 6; i++) {
    digits = alphabet.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

function mint (): string {
  let body = 'vex_'
  while (body.length < 34) for (const byte of randomBytes(32)) if (byte < 248 && body.length < 34) body += alphabet[byte % 62]
  return body + checksum(body)
}

interface UserRow { id: number, email: string, name: string | null, max_concurrent_bots: number, disabled: number, data: string | null, created_at: string }
interface TokenRow { id: number, user_id: number, name: string | null, scopes: string | null, expires_at: string | null, last_used_at: string | null, created_at: string }
interface CheckRow extends UserRow { token_id: number, token_name: string | null, scopes: string | null, expires_at: string | null, last_used_at: string | null, token_created_at: string }

function toUser (row: UserRow): User {
  const user: User = { id: `user-${row.id}`, email: row.email, name: row.name, max_concurrent_bots: row.max_concurrent_bots, created_at: row.created_at }
  if (row.disabled) user.disabled = true
  if (row.data !== null) user.data = JSON.parse(row.data)
  return user
}

function toToken (row: TokenRow, value = '***'): Token {
  const token: Token = { id: `token-${row.id}`, token: value, user_id: `user-${row.user_id}`, created_at: row.created_at }
  if (row.name !== null) token.name = row.name
  if (row.scopes !== null) token.scopes = JSON.parse(row.scopes)
  if (row.expires_at !== null) token.expires_at = row.expires_at
  if (row.last_used_at !== null) token.last_used_at = row.last_used_at
  return token
}

/** Over a database file that the plugin has made. */
export async function floor (filename: string, adminKey: string) {
  const db = new Database(filename)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.pragma('foreign_keys = on')
  db.pragma('cache_size = -16384')
  const user = 'id, email, name, max_concurrent_bots, disabled, data, created_at'
  const token = 'id, user_id, name, scopes, expires_at, last_used_at, created_at'
  const statements = {
    check: db.prepare<[Buffer], CheckRow>(`select t.id as token_id, t.name as token_name, t.scopes, t.expires_at, t.last_used_at, t.created_at as token_created_at,
      u.id, u.email, u.name, u.max_concurrent_bots, u.disabled, u.data, u.created_at from vexa_tokens t join vexa_users u on u.id = t.user_id where t.hash = +?`),
    list: db.prepare<[number], UserRow>(`select ${user} from vexa_users order by id limit ?`),
    get: db.prepare<[number], UserRow>(`select ${user} from vexa_users where id = ?`),
    tokens: db.prepare<[number], TokenRow>(`select ${token} from vexa_tokens where user_id = ? order by id`),
    create: db.prepare<unknown[], UserRow>(`insert into vexa_users (email, name, searchable_name, max_concurrent_bots, created_at) values (?, ?, ?, ?, ?) returning ${user}`),
    mint: db.prepare<unknown[], TokenRow>(`insert into vexa_tokens (user_id, hash, created_at) values (?, ?, ?) returning ${token}`)
  }

  async function verify (value: string): Promise<{ user: User, token: Token } | undefined> {
    if (value.length !== 40 || !value.startsWith('vex_') || checksum(value.slice(0, 34)) !== value.slice(34)) return undefined
    const row = statements.check.get(hash('sha256', value, 'buffer'))
    if (row === undefined || row.disabled || (row.expires_at !== null && Date.parse(row.expires_at) <= Date.now())) return undefined
    return { user: toUser(row), token: toToken({ ...row, id: row.token_id, user_id: row.id, name: row.token_name, created_at: row.token_created_at }) }
  }

  const app = Fastify().setValidatorCompiler(TypeBoxValidatorCompiler)
  app.decorateRequest('user', null)
  app.addHook('onClose', async () => { db.close() })
  const guard = async (request: FastifyRequest, reply: FastifyReply) => {
    const found = await verify(String(request.headers['x-api-key']))
    if (found === undefined) return reply.code(401).send(new Error('no'))
    Object.assign(request, { user: found.user })
  }
  const keyHash = hash('sha256', adminKey, 'buffer')
  const admin = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!hash('sha256', String(request.headers['x-admin-api-key']), 'buffer').equals(keyHash)) return reply.code(401).send(new Error('no'))
  }
  app.get('/me', { onRequest: guard, schema: { response: { 200: User } } }, async (request) => (request as unknown as { user: User }).user)
  app.get('/admin/users', { onRequest: admin, schema: { response: { 200: Type.Array(User) } } }, async (request) => {
    const { limit = 100 } = request.query as { limit?: number }
    return statements.list.all(Number(limit)).map(toUser)
  })
  app.get('/admin/users/:id', { onRequest: admin, schema: { response: { 200: UserWithTokens } } }, async (request) => {
    const id = Number((request.params as { id: string }).id.slice(5))
    const row = statements.get.get(id)
    if (row === undefined) throw Object.assign(new Error('no'), { statusCode: 404 })
    return { ...toUser(row), api_tokens: statements.tokens.all(id).map((token) => toToken(token)) }
  })
  app.post('/admin/users', { onRequest: admin, schema: { body: CreateUser, response: { 201: User } } }, async (request, reply) => {
    const { email, name = null, max_concurrent_bots: bots = 3 } = request.body as CreateUser
    const row = statements.create.get(email.normalize('NFC').toLowerCase(), name, name && name.toLowerCase(), bots, new Date().toISOString()) as UserRow
    reply.code(201)
    return toUser(row)
  })
  app.post('/admin/users/:id/tokens', { onRequest: admin, schema: { response: { 201: Token } } }, async (request, reply) => {
    const value = mint()
    const row = statements.mint.get(Number((request.params as { id: string }).id.slice(5)), hash('sha256', value, 'buffer'), new Date().toISOString()) as TokenRow
    reply.code(201)
    return toToken(row, value)
  })
  return { app, verify }
}
