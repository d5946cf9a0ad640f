import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { StorageAdapter } from '../../src/index.js'
import { emptyStorage, longTestDatabases, unavailable } from '../support/databases.js'
import { faultyStorage, throwing } from '../support/faulty-storage.js'
import { buildTwoVexa, buildVexa, callInternal, createUser } from '../support/vexa.js'

const record = 'admin-claim@vexa.invalid'

async function claim (app: FastifyInstance, id: unknown) {
  const reply = await callInternal(app, 'POST', '/internal/bootstrap-admin', { user_id: id })
  return reply.statusCode === 200 ? reply.json() : reply.statusCode
}

async function adminExists (app: FastifyInstance): Promise<boolean> {
  return (await callInternal(app, 'GET', '/internal/instance')).json().admin_exists
}

/** Returns the numbers of the users who are admins, as `/internal/validate` tells it. */
async function adminsOf (app: FastifyInstance, users: Array<{ id: number, token: string }>): Promise<number[]> {
  const validate = (token: string) => callInternal(app, 'POST', '/internal/validate', { token })
  const replies = await Promise.all(users.map(({ token }) => validate(token)))
  return users.filter((_, i) => replies[i]?.json().is_admin).map(({ id }) => id)
}

t.test('bootstrap-admin: only the first claim wins', async (t) => {
  const app = await buildVexa(t)
  const users = [await createUser(app, 'a@example.com'), await createUser(app, 'b@example.com')]
  t.equal(await adminExists(app), false)
  t.strictSame(await claim(app, '2'), { claimed: true, admin_exists: true })
  t.equal(await adminExists(app), true)
  for (const id of [1, 2]) t.strictSame(await claim(app, id), { claimed: false, admin_exists: true })
  t.same(await adminsOf(app, users), [2])
  t.match(await app.vexaAdmin.users.getByEmail(record), {
    disabled: true, max_concurrent_bots: 0, data: { claimed_by: 'user-2', granted: true }
  })
})

t.test('bootstrap-admin: an unknown user gets 404', async (t) => {
  const app = await buildVexa(t)
  for (const id of [1, 'abc', null, undefined, '']) t.equal(await claim(app, id), 404)
  t.equal(await adminExists(app), false)
})

for (const database of longTestDatabases) {
  t.test(`bootstrap-admin: one of many concurrent claims by two apps wins on ${database}`, {
    skip: await unavailable(database)
  }, async (t) => {
    const apps = await buildTwoVexa(t, database)
    // Each user signs in for the first time while the others do.
    const signIns = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const app = apps[i % 2 as 0 | 1]
      const user = await createUser(app, `${i}@example.com`)
      return { ...user, ...await claim(app, user.id) as { claimed: boolean } }
    }))
    const winners = signIns.filter(({ claimed }) => claimed).map(({ id }) => id)
    t.equal(winners.length, 1)
    t.same(await adminsOf(apps[0], signIns), winners)
  })
}

t.test('bootstrap-admin: nobody can claim the role when an imported user has it', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'a@example.com')
  await app.vexaAdmin.users.create({ email: 'b@example.com', data: { is_admin: true } })
  t.equal(await adminExists(app), true)
  t.strictSame(await claim(app, 1), { claimed: false, admin_exists: true })
})

t.test('bootstrap-admin: the role can be claimed again when the admin is deleted or loses it', async (t) => {
  const app = await buildVexa(t)
  const { users } = app.vexaAdmin
  for (const name of ['a', 'b', 'c']) await createUser(app, `${name}@example.com`)
  await claim(app, 1)
  await users.update('user-1', { data: { is_admin: null } })
  t.equal(await adminExists(app), false)
  t.match(await claim(app, 2), { claimed: true })
  await users.delete('user-2')
  t.equal(await adminExists(app), false)
  t.match(await claim(app, 3), { claimed: true })
  const { id } = await users.getByEmail(record)
  t.equal(await claim(app, Number(id.slice('user-'.length))), 404, 'the record of the claim is no user')
  await users.delete(id)
  t.match(await claim(app, 1), { claimed: false })
})

t.test('bootstrap-admin: the next claim completes one that an outage has interrupted', async (t) => {
  const methods: Partial<StorageAdapter> = {}
  const storage = emptyStorage(t)
  const app = await buildVexa(t, {}, { storage: faultyStorage(storage, methods) })
  const users = [await createUser(app, 'a@example.com'), await createUser(app, 'b@example.com')]
  // The record of the claim is written, and then the storage fails.
  methods.updateUser = (...parameters) => {
    methods.updateUser = throwing()
    return storage.updateUser(...parameters)
  }
  t.equal(await claim(app, 1), 503)
  delete methods.updateUser
  t.same(await adminsOf(app, users), [])
  t.equal(await adminExists(app), true)
  t.strictSame(await claim(app, 2), { claimed: false, admin_exists: true })
  t.same(await adminsOf(app, users), [1])
})

t.test('bootstrap-admin: a user with the address of the record cannot prevent a claim', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, record)
  const { id } = await createUser(app, 'a@example.com')
  t.match(await claim(app, id), { claimed: true })
})

t.test('bootstrap-admin: a slow claim does not complete the claim of another user', async (t) => {
  const methods: Partial<StorageAdapter> = {}
  const storage = emptyStorage(t)
  const app = await buildVexa(t, {}, { storage: faultyStorage(storage, methods) })
  for (const name of ['a', 'b']) await createUser(app, `${name}@example.com`)
  const { users } = app.vexaAdmin
  let calls = 0
  methods.updateUser = async (...parameters) => {
    // The second call makes the first user an admin.
    if (++calls === 2) await users.update((await users.getByEmail(record)).id, { data: { claimed_by: 'user-2' } })
    return storage.updateUser(...parameters)
  }
  await claim(app, 1)
  t.same((await users.getByEmail(record)).data, { claimed_by: 'user-2' })
})

t.test('bootstrap-admin: a claim that another user has won meanwhile changes nothing', async (t) => {
  const methods: Partial<StorageAdapter> = {}
  const storage = emptyStorage(t)
  const app = await buildVexa(t, {}, { storage: faultyStorage(storage, methods) })
  const users = [await createUser(app, 'a@example.com'), await createUser(app, 'b@example.com')]
  // The first claim has read that there is no admin when the second claim is made from start to end.
  methods.listUsers = async (...parameters) => {
    const page = await storage.listUsers(...parameters)
    delete methods.listUsers
    t.strictSame(await claim(app, 2), { claimed: true, admin_exists: true })
    return page
  }
  t.strictSame(await claim(app, 1), { claimed: false, admin_exists: true })
  t.same(await adminsOf(app, users), [2])
})
