import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { build } from '../support/helpers.js'

const invalid = { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 }

/** Returns the messages of a channel from now on. */
t.test('users.findOrCreate: creates a user once, and then returns it unchanged', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  const created = hear(t, 'fastify-vexa-admin:user:created')
  const first = await users.findOrCreate({ email: 'A@b', name: 'A', data: { a: 1 } }, { actor: 'sync' })
  t.match(first, { created: true, user: { id: 'user-1', email: 'a@b', name: 'A', data: { a: 1 } } })
  t.same(Object.keys(first).sort(), ['created', 'user'])
  const second = await users.findOrCreate({ email: 'a@B', name: 'B', max_concurrent_bots: 9 })
  t.same(second, { created: false, user: first.user })
  t.same(created, [{ prefix: '/admin', actor: 'sync', userId: 'user-1' }])
  await t.rejects(users.create({ email: 'a@b' }), { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN' })
  await t.rejects(users.findOrCreate({ email: 'x' }), invalid)
  await t.rejects(users.findOrCreate({ email: 'a@b', name: 1 } as never), invalid, 'an existing user')
  await t.rejects(users.findOrCreate(undefined as never), invalid)
  await t.rejects(users.findOrCreate({ email: 'c@d' }, { actor: '' }), invalid)
  t.equal((await users.list()).length, 1)
})

t.test('users.findOrCreate: creates one user for 20 calls with one address', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  const created = hear(t, 'fastify-vexa-admin:user:created')
  const found = await Promise.all(Array.from({ length: 20 }, (_, i) => users.findOrCreate({
    email: i % 2 === 0 ? 'a@b' : 'A@B', name: `${i}`
  })))
  t.equal(found.filter((each) => each.created).length, 1)
  t.equal(new Set(found.map(({ user }) => JSON.stringify(user))).size, 1)
  t.equal(created.length, 1)
})

t.test('users.edit: writes the changes that the function returns', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  const user = await users.create({ email: 'a@b', name: 'A', data: { a: { b: 1 }, c: 2 } })
  const updated = hear(t, 'fastify-vexa-admin:user:updated')
  let given: unknown
  const edited = await users.edit('user-1', (user) => {
    given = structuredClone(user)
    return { email: 'NEW@b', data: { a: { d: null } } }
  }, { actor: 'sync' })
  t.same(given, user)
  t.same(edited, { ...user, email: 'new@b', data: { a: { d: null } } }, 'data is replaced as a whole')
  t.same(await users.get('user-1'), { ...edited, api_tokens: [] })
  t.same(updated.splice(0), [{ prefix: '/admin', actor: 'sync', userId: 'user-1', changed: ['email', 'data'] }])
  t.match(await users.edit('user-1', async () => {
    await setImmediate()
    return { name: null, disabled: true, data: null }
  }), { name: null, disabled: true, data: undefined })
  t.match(updated.splice(0), [{ changed: ['name', 'disabled', 'data'] }])
  t.equal((await users.edit('user-1', () => ({ name: undefined, max_concurrent_bots: 4 }))).max_concurrent_bots, 4)
  t.match(updated, [{ changed: ['max_concurrent_bots'] }])
})

t.test('users.edit: changes nothing when the function returns nothing', async (t) => {
  const stored = emptyStorage(t)
  const { vexaAdmin: { users } } = await build(t, { storage: stored })
  const user = await users.create({ email: 'a@b', data: { a: [1] } })
  const updated = hear(t, 'fastify-vexa-admin:user:updated')
  for (const nothing of [undefined, null]) {
    t.same(await users.edit('user-1', (user) => {
      user.name = 'changed'
      Object.assign(user.data as object, { a: 'changed' })
      return nothing
    }), user)
    t.same(await users.edit('user-1', async () => nothing), user)
  }
  t.same(await users.edit('user-1', () => {}), user)
  t.equal((await stored.findUser('1'))?.revision, 0)
  t.same(updated, [])
})

t.test('users.edit: rejects wrong changes and arguments, and passes errors on', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  const user = await users.create({ email: 'a@b' })
  await users.create({ email: 'taken@b' })
  const updated = hear(t, 'fastify-vexa-admin:user:updated')
  for (const changes of [
    'x', true, 0, [], { email: 'x' }, { name: 1 }, { id: 'user-9' }, { revision: 1 }, { data: [] }, user,
    { data: { a: 'x'.repeat(16384) } }, { data: { a: 1n } }
  ]) {
    await t.rejects(users.edit('user-1', () => changes as never), invalid, typeof changes)
  }
  for (const edit of [undefined, null, {}, { name: 'x' }, 'x']) {
    await t.rejects(users.edit('user-1', edit as never), { ...invalid, message: /function/ })
  }
  await t.rejects(users.edit('user-1', () => ({ name: 'x' }), { actor: ' ' }), invalid)
  const fault = new Error('of the app')
  await t.rejects(users.edit('user-1', () => { throw fault }), fault)
  await t.rejects(users.edit('user-1', async () => { throw fault }), fault)
  await t.rejects(users.edit('user-1', () => ({ email: 'taken@b' })), { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN' })
  await t.rejects(users.edit('user-9', () => { throw fault }), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  t.same(await users.get('user-1'), { ...user, api_tokens: [] })
  t.same(updated, [])
})

t.test('users.edit: loses no change when 20 calls run at once', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b', data: { count: 0 } })
  const updated = hear(t, 'fastify-vexa-admin:user:updated')
  await Promise.all(Array.from({ length: 20 }, (_, i) => users.edit('user-1', async ({ data }) => {
    if (i % 2 === 0) await setImmediate()
    return { data: { count: Number(data?.count) + 1 } }
  })))
  t.same((await users.get('user-1')).data, { count: 20 })
  t.equal(updated.length, 20)
})

t.test('users.edit: calls the function again with the user as it is now', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b', name: 'A' })
  const seen: unknown[] = []
  const edited = await users.edit('user-1', async ({ name }) => {
    seen.push(name)
    if (seen.length < 4) await users.update('user-1', { name: `meanwhile ${seen.length}` })
    return { name: `${name}!` }
  })
  t.same(seen, ['A', 'meanwhile 1', 'meanwhile 2', 'meanwhile 3'])
  t.equal(edited.name, 'meanwhile 3!')
  let calls = 0
  await t.rejects(users.edit('user-1', async () => {
    if (++calls === 3) await users.delete('user-1')
    else await users.update('user-1', {})
    return { name: 'x' }
  }), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND' })
  t.equal(calls, 3)
})

t.test('users.edit: throws 503 after some attempts when the user keeps changing', async (t) => {
  const stored = emptyStorage(t)
  const storage = faultyStorage(stored, { updateUser: async () => 'absent' })
  const { vexaAdmin: { users } } = await build(t, { storage })
  await users.create({ email: 'a@b' })
  let calls = 0
  await t.rejects(users.edit('user-1', () => { calls++; return { name: 'x' } }), {
    code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', statusCode: 503
  })
  t.equal(calls, 100)
})
