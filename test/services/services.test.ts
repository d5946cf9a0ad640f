import t from 'tap'
import type { StorageAdapter } from '../../src/index.js'
import { sqliteStorage } from '../../src/index.js'
import { build } from '../helpers.js'

t.test("the host's own code gets the same objects as the wire, and checks of its own", async (t) => {
  const { vexaAdmin: { users, tokens } } = await build(t)
  t.same(Object.keys(users).sort(), ['create', 'get', 'list'])
  t.same(Object.keys(tokens).sort(), ['create', 'revoke'])

  const user = await users.create({ email: 'A@b', name: undefined })
  t.match(user, { id: 'user-1', email: 'a@b', name: null, max_concurrent_bots: 3 })
  const token = await tokens.create(user.id)
  t.match(token, { id: 'token-1', user_id: 'user-1', token: /^vex_/ })
  t.same(await users.get(user.id), { ...user, api_tokens: [{ ...token, token: '***' }] })
  t.same(await users.list(), [user])
  t.same(await users.list({ skip: 1 }), [])
  await tokens.revoke(token.id)

  const invalid = { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 }
  await t.rejects(users.create({ email: 'x' }), invalid)
  await t.rejects(users.create(undefined as never), invalid)
  await t.rejects(users.create({ email: 'c@d', admin: true } as never), invalid)
  await t.rejects(users.list({ limit: 0 }), invalid)
  await t.rejects(users.list({ limit: '5' as never }), invalid)
  await t.rejects(users.list({ limit: Infinity }), invalid)
  await t.rejects(tokens.create(user.id, { scopes: [] } as never), invalid)
  await t.rejects(users.create({ email: 'A@B' }), { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN', statusCode: 409 })
  await t.rejects(users.get('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', statusCode: 404 })
  await t.rejects(users.get(undefined as never), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.create('user-2'), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  await t.rejects(tokens.revoke(token.id), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND', statusCode: 404 })
})

t.test("duplicateEmail: 'return' creates the user after all if the one in the way is deleted meanwhile", async (t) => {
  const sqlite = sqliteStorage({ filename: ':memory:' })
  let answers = 1
  const storage = overriding(sqlite, {
    insertUser: async (user) => answers-- > 0 ? 'taken' : sqlite.insertUser(user)
  })
  const app = await build(t, { storage, duplicateEmail: 'return' })
  t.match(await app.vexaAdmin.users.create({ email: 'a@b' }), { id: 'user-1' })
})

/** `storage`, some of its methods replaced. */
function overriding (storage: StorageAdapter, methods: Partial<StorageAdapter>): StorageAdapter {
  return new Proxy(storage, {
    get (target, name: keyof StorageAdapter) {
      const method = target[name].bind(target)
      return methods[name] ?? method
    }
  })
}
