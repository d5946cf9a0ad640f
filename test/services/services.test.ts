import t from 'tap'
import { emptyStorage } from '../support/databases.js'
import { answering, faultyStorage, interceptStorage } from '../support/faulty-storage.js'
import { build } from '../support/helpers.js'

t.test('app.vexaAdmin: returns the objects of the wire, and checks its arguments', async (t) => {
  const { vexaAdmin: { users, tokens } } = await build(t)
  t.same(Object.keys(users).sort(), [
    'create', 'delete', 'edit', 'findOrCreate', 'get', 'getByEmail', 'list', 'update'
  ])
  t.same(Object.keys(tokens).sort(), [
    'create', 'find', 'get', 'list', 'prune', 'revoke', 'revokeAll', 'rotate', 'update', 'verify'
  ])

  const user = await users.create({ email: 'A@b', name: undefined })
  t.match(user, { id: 'user-1', email: 'a@b', name: null, max_concurrent_bots: 3 })
  const token = await tokens.create(user.id)
  t.match(token, { id: 'token-1', user_id: 'user-1', token: /^vex_/ })
  t.same(await users.get(user.id), { ...user, api_tokens: [{ ...token, token: '***' }] })
  t.same(await users.list(), [user])
  t.same(await users.list({ skip: 1 }), [])
  t.same(await users.getByEmail('A@B'), await users.get(user.id))
  t.match(await users.update(user.id, { name: 'B', data: { a: { b: 1 } } }), { name: 'B', data: { a: { b: 1 } } })
  t.same(await tokens.list(user.id), [{ ...token, token: '***' }])
  t.match(await tokens.verify({ token: token.token }), { valid: true, user: { id: user.id }, token: { id: token.id } })
  const next = await tokens.rotate(token.id)
  t.same(await tokens.verify({ token: token.token }), { valid: false, code: 'NOT_FOUND' })
  await tokens.revokeAll(user.id)
  t.same(await tokens.verify({ token: next.token }), { valid: false, code: 'NOT_FOUND' })

  const invalid = { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 }
  await t.rejects(users.create({ email: 'x' }), invalid)
  await t.rejects(users.create(undefined as never), invalid)
  await t.rejects(users.create({ email: 'c@d', admin: true } as never), invalid)
  await t.rejects(users.list({ limit: 0 }), invalid)
  await t.rejects(users.list({ limit: '5' as never }), invalid)
  await t.rejects(users.list({ limit: Infinity }), invalid)
  await t.rejects(tokens.create(user.id, { scopes: [] } as never), invalid)
  await t.rejects(users.update(user.id, { data: new Date() } as never), invalid)
  await t.rejects(users.update(user.id, { data: { when: new Date() } }), invalid)
  await t.rejects(users.update(user.id, JSON.parse('{"data":{"__proto__":{}}}')), invalid)
  await t.rejects(users.update(user.id, { data: { a: 1n } }), invalid)
  await t.rejects(users.update(user.id, { data: { a: NaN } }), invalid)
  const circle: Record<string, unknown> = {}
  circle.circle = circle
  await t.rejects(users.update(user.id, { data: circle }), invalid)
  await t.rejects(tokens.verify('vex_' as never), invalid)
  await t.rejects(tokens.rotate('token-1', { grace_period: -1 }), invalid)
  await t.rejects(users.create({ email: 'A@B' }), { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN', statusCode: 409 })
  await t.rejects(users.get('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', statusCode: 404 })
  await t.rejects(users.get(undefined as never), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  for (const email of ['x@y', undefined, '\ud800@x', 'a\0@x']) {
    await t.rejects(users.getByEmail(email as string), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  }
  await t.rejects(users.update('user-2', {}), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(users.delete('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.create('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.list('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.revokeAll('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.rotate('token-9'), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND' })
  await t.rejects(tokens.revoke(token.id), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', statusCode: 404 })
})

t.test('app.vexaAdmin: no call reaches the storage when the id is malformed', async (t) => {
  const asked: string[] = []
  const app = await build(t, {
    storage: interceptStorage(emptyStorage(t), ({ name, proceed }) => { asked.push(name); return proceed() })
  })
  const { users, tokens } = app.vexaAdmin
  asked.length = 0
  const noUser = { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', statusCode: 404 }
  const noToken = { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', statusCode: 404 }
  for (const key of ['', '!', 'caf\u00e9', 'a b', '1\n', '1'.repeat(65), "1' or '1'='1", '\0', '\ud800']) {
    const [user, token] = [`user-${key}`, `token-${key}`]
    await t.rejects(users.get(user), noUser, JSON.stringify(key))
    await t.rejects(users.update(user, { name: 'x' }), noUser)
    await t.rejects(users.update(user, { data: {} }), noUser)
    await t.rejects(users.edit(user, () => ({ name: 'x' })), noUser)
    await t.rejects(users.delete(user), noUser)
    await t.rejects(tokens.create(user), noUser)
    await t.rejects(tokens.list(user), noUser)
    await t.rejects(tokens.revokeAll(user), noUser)
    await t.rejects(tokens.revoke(token), noToken)
    await t.rejects(tokens.rotate(token), noToken)
  }
  t.same(asked, [])
  await t.rejects(users.get('user-9'), noUser)
  t.same(asked, ['findUser'], 'a well-formed id does')
})

t.test("duplicateEmail: 'return' creates the user when the other is deleted", async (t) => {
  const stored = emptyStorage(t)
  let answers = 1
  const storage = faultyStorage(stored, {
    createUser: async (user) => answers-- > 0 ? 'taken' : stored.createUser(user)
  })
  const app = await build(t, { storage, duplicateEmail: 'return' })
  t.match(await app.vexaAdmin.users.create({ email: 'a@b' }), { id: 'user-1' })
})

t.test('users: throws 503 after some attempts when the storage contradicts itself', async (t) => {
  const stored = emptyStorage(t)
  let calls = 0
  const storage = faultyStorage(stored, {
    createUser: async (user) => user.email === 'a@b' ? stored.createUser(user) : 'taken',
    updateUser: async () => { calls++; return 'absent' }
  })
  const app = await build(t, { storage, duplicateEmail: 'return' })
  const unavailable = { code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', statusCode: 503 }
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await t.rejects(app.vexaAdmin.users.create({ email: 'c@d' }), unavailable)
  await t.rejects(app.vexaAdmin.users.update('user-1', { data: {} }), unavailable)
  t.ok(calls > 10 && calls < 1000)
})

t.test('app.vexaAdmin: null from the storage counts as absent', async (t) => {
  const stored = emptyStorage(t)
  const nothing = answering(null as never)
  const app = await build(t, {
    storage: faultyStorage(stored, { findUser: nothing, findUserByEmail: nothing, findTokenByHash: nothing })
  })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  await t.rejects(app.vexaAdmin.users.get('user-1'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(app.vexaAdmin.users.getByEmail('a@b'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(app.vexaAdmin.users.update('user-1', { data: {} }), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  t.same(await app.vexaAdmin.tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
})

t.test('tokens.verify: a token is expired from its expires_at on', async (t) => {
  const stored = emptyStorage(t)
  let expiresAt = ''
  const app = await build(t, {
    storage: faultyStorage(stored, {
      findTokenByHash: async (hash) => {
        const found = await stored.findTokenByHash(hash)
        return found && { ...found, token: { ...found.token, expires_at: expiresAt } }
      }
    }),
    tokenCache: false
  })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  expiresAt = new Date(now + 1).toISOString()
  t.match(await app.vexaAdmin.tokens.verify({ token }), { valid: true })
  expiresAt = new Date(now).toISOString()
  t.same(await app.vexaAdmin.tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
})

t.test('users.update: throws 404 when the user is deleted during a patch', async (t) => {
  const stored = emptyStorage(t)
  const app = await build(t, {
    storage: faultyStorage(stored, {
      updateUser: async (id, changes, revision) => {
        await stored.deleteUser(id)
        return stored.updateUser(id, changes, revision)
      }
    })
  })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await t.rejects(app.vexaAdmin.users.update('user-1', { data: { a: 1 } }), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
})
