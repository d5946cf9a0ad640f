// The fastest app by hand: no plugin, no Kysely, prepared statements, the same schemas.
import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import Database from 'better-sqlite3'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Token } from '../../../src/schemas/tokens.js'
import { CreateUser, User, UserWithTokens } from '../../../src/schemas/users.js'
import { Type } from '@sinclair/typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { adminKey, type Contender } from '../contender.js'

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
  while (body.length < 34) {
    for (const byte of randomBytes(32)) if (byte < 248 && body.length < 34) body += alphabet[byte % 62]
  }
  return body + checksum(body)
}

// Rows as arrays, because better-sqlite3 makes them in half the time of objects.
type Row = any[]
const userColumns = 'id, email, name, max_concurrent_bots, disabled, data, created_at'
const tokenColumns = 'id, user_id, name, scopes, expires_at, disabled, data, start, last_used_at, created_at'

function toUser ([id, email, name, bots, disabled, data, created]: Row): User {
  const user: User = { id: `user-${id}`, email, name, max_concurrent_bots: bots, created_at: created }
  if (disabled) user.disabled = true
  if (data !== null) user.data = JSON.parse(data)
  return user
}

function toToken (row: Row, value = '***'): Token {
  const [id, user, name, scopes, expires, disabled, data, start, lastUsed, created] = row
  const token: Token = { id: `token-${id}`, token: value, user_id: `user-${user}`, created_at: created }
  if (name !== null) token.name = name
  if (scopes !== null) token.scopes = JSON.parse(scopes)
  if (expires !== null) token.expires_at = expires
  if (disabled) token.disabled = true
  if (data !== null) token.data = JSON.parse(data)
  if (start !== null) token.start = start
  if (lastUsed !== null) token.last_used_at = lastUsed
  return token
}

export default async function byHand (filename: string): Promise<Contender> {
  const db = new Database(filename)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.pragma('foreign_keys = on')
  db.pragma('cache_size = -16384')
  const checkColumns = [
    ...userColumns.split(', ').map((column) => `u.${column}`),
    ...tokenColumns.split(', ').map((column) => `t.${column}`)
  ].join(
    ', '
  )
  const statements = {
    check: db.prepare<[Buffer], Row>(
      `select ${checkColumns} from vexa_tokens t join vexa_users u on u.id = t.user_id where t.hash = +?`
    )
      .raw(),
    list: db.prepare<[number], Row>(`select ${userColumns} from vexa_users order by id limit ?`).raw(),
    get: db.prepare<[number], Row>(`select ${userColumns} from vexa_users where id = ?`).raw(),
    tokens: db.prepare<[number], Row>(`select ${tokenColumns} from vexa_tokens where user_id = ? order by id`).raw(),
    // Without `returning`, because better-sqlite3 takes twice the time to commit after get().
    create: db.prepare(
      'insert into vexa_users (email, name, searchable_name, max_concurrent_bots, created_at) values (?, ?, ?, ?, ?)'
    ),
    mint: db.prepare('insert into vexa_tokens (user_id, hash, created_at) select id, ?, ? from vexa_users where id = ?')
  }

  async function verify (value: string): Promise<{ user: User, token: Token } | undefined> {
    if (value.length !== 40 || !value.startsWith('vex_') || checksum(value.slice(0, 34)) !== value.slice(34)) {
      return undefined
    }
    const row = statements.check.get(hash('sha256', value, 'buffer'))
    if (row === undefined) return undefined
    const [token, user] = [toToken(row.slice(7)), toUser(row)]
    const isExpired = token.expires_at !== undefined && Date.parse(token.expires_at) <= Date.now()
    if (user.disabled || token.disabled || isExpired) return undefined
    return { user, token }
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
    if (!hash('sha256', String(request.headers['x-admin-api-key']), 'buffer').equals(keyHash)) {
      return reply.code(401).send(new Error('no'))
    }
  }
  app.get('/me', { onRequest: guard, schema: { response: { 200: User } } }, async (request) =>
    (request as unknown as { user: User }).user)
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
  app.post('/admin/users', {
    onRequest: admin,
    schema: { body: CreateUser, response: { 201: User } }
  }, async (request, reply) => {
    const { email, name = null, max_concurrent_bots: bots = 3 } = request.body as CreateUser
    const kept = email.normalize('NFC').toLowerCase()
    const created = new Date().toISOString()
    const { lastInsertRowid: id } = statements.create.run(
      kept,
      name,
      name && name.normalize('NFC').toLowerCase(),
      bots,
      created
    )
    reply.code(201)
    return toUser([id, kept, name, bots, 0, null, created])
  })
  app.post('/admin/users/:id/tokens', {
    onRequest: admin,
    schema: { response: { 201: Token } }
  }, async (request, reply) => {
    const value = mint()
    const user = Number((request.params as { id: string }).id.slice(5))
    const created = new Date().toISOString()
    const { changes, lastInsertRowid: id } = statements.mint.run(hash('sha256', value, 'buffer'), created, user)
    if (changes === 0) throw Object.assign(new Error('no'), { statusCode: 404 })
    reply.code(201)
    return toToken([id, user, null, null, null, 0, null, null, null, created], value)
  })
  return { app, check: verify }
}
