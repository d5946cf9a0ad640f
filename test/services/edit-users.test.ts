import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { UserService } from '../../src/index.js'
import { emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { faultyStorage, hanging } from '../support/faulty-storage.js'
import { hear } from '../support/hear.js'
import { build, call } from '../support/helpers.js'

const invalid = { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 }

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

t.test('users.edit: loses no change, and never throws, when 500 calls run at once', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b', data: { count: 0 } })
  await Promise.all(Array.from({ length: 500 }, (_, i) => users.edit('user-1', async ({ data }) => {
    if (i % 2 === 0) await setImmediate()
    return { data: { count: Number(data?.count) + 1 } }
  })))
  t.same((await users.get('user-1')).data, { count: 500 })
})

t.test('PATCH /users/:id: 500 requests at once lose no member of data', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const updated = hear(t, 'fastify-vexa-admin:user:updated')
  const replies = await Promise.all(Array.from({ length: 500 }, (_, i) =>
    call(app, 'PATCH', '/admin/users/user-1', { payload: { data: { [i]: true } } })))
  t.same(new Set(replies.map(({ statusCode }) => statusCode)), new Set([200]))
  t.equal(Object.keys((await app.vexaAdmin.users.get('user-1')).data as object).length, 500)
  t.equal(updated.length, 500)
})

t.test('users.edit: several processes lose no change, also among plain updates', async (t) => {
  const place = emptyPlace(t)
  const processes: UserService[] = []
  for (let i = 0; i < 4; i++) processes.push((await build(t, { storage: storageAt(place) })).vexaAdmin.users)
  const [users] = processes as [UserService]
  await users.create({ email: 'a@b', data: { count: 0 } })
  await Promise.all(Array.from({ length: 200 }, (_, i) => {
    const users = processes[i % 4] as UserService
    if (i % 10 === 0) return users.update('user-1', { max_concurrent_bots: i })
    return users.edit('user-1', ({ data }) => ({ data: { count: Number(data?.count) + 1 } }))
  }))
  t.same((await users.get('user-1')).data, { count: 180 })
})

t.test('users.edit: the function may change the same user, and other users', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b', data: {} })
  await users.create({ email: 'c@d', data: { count: 0 } })
  const started = Date.now()
  let calls = 0
  const edits = Array.from({ length: 20 }, () => users.edit('user-1', async () => {
    calls++
    await users.edit('user-1', ({ data }) => data?.inner ? null : { data: { inner: true } })
    await users.edit('user-2', ({ data }) => ({ data: { count: Number(data?.count) + 1 } }))
    await users.update('user-1', { data: { inner: true } })
    return undefined
  }))
  await Promise.all(edits)
  t.same((await users.get('user-1')).data, { inner: true })
  t.equal(calls, 20)
  t.same((await users.get('user-2')).data, { count: 20 })
  await users.edit('user-1', async ({ data }) => {
    if (data?.second === undefined) await users.update('user-1', { data: { second: true } })
    return { name: 'x' }
  })
  t.match(await users.get('user-1'), { name: 'x', data: { inner: true, second: true } })
  t.ok(Date.now() - started < 4000, 'no call waits for itself')
})

t.test('users.edit: a function that throws or never ends does not stop other calls', async (t) => {
  const app = await build(t)
  const { users } = app.vexaAdmin
  await users.create({ email: 'a@b', data: { count: 0 } })
  await users.create({ email: 'c@d' })
  const fault = new Error('of the app')
  const failing = t.rejects(users.edit('user-1', async () => { throw fault }), fault)
  t.match(await users.edit('user-1', () => ({ name: 'x' })), { name: 'x' })
  await failing
  users.edit('user-1', () => new Promise(() => {})).catch(() => {})
  const started = Date.now()
  t.match(await users.edit('user-2', () => ({ name: 'y' })), { name: 'y' })
  t.match(await users.update('user-1', { disabled: true }), { disabled: true }, 'a plain update does not wait')
  t.equal((await call(app, 'DELETE', '/admin/users/user-2')).statusCode, 204)
  t.ok(Date.now() - started < 2000)
  const replies = await Promise.all([
    call(app, 'PATCH', '/admin/users/user-1', { payload: { data: { a: 1 } } }),
    call(app, 'PATCH', '/admin/users/user-1', { payload: { data: { b: 1 } } })
  ])
  t.same(replies.map(({ statusCode }) => statusCode), [200, 200], 'the same user, after some seconds')
  t.same((await users.get('user-1')).data, { count: 0, a: 1, b: 1 })
})

t.test('users.update: calls for one user get 503 in time when the storage hangs', async (t) => {
  const stored = emptyStorage(t)
  const storage = faultyStorage(stored, { updateUser: hanging() })
  const { vexaAdmin: { users } } = await build(t, { storage, storageTimeout: 800 })
  await users.create({ email: 'a@b' })
  const started = Date.now()
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => users.update('user-1', { data: { a: 1 } })))
  t.same(new Set(results.map((result) => result.status === 'rejected' && result.reason.statusCode)), new Set([503]))
  t.ok(Date.now() - started < 4000)
})
