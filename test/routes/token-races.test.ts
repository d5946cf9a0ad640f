// Requests that change one token at the same time, through two apps, on each database.
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  emptyPlace, lockToken, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../support/databases.js'
import { build, call } from '../support/helpers.js'

const rounds = 8

/** Builds two apps with one database and a user. */
async function buildTwo (t: Test, database: DatabaseName) {
  const place = emptyPlace(t, database)
  const [app, other] = [await build(t, { storage: storageAt(place) }), await build(t, { storage: storageAt(place) })]
  await app.vexaAdmin.users.create({ email: 'a@b' })
  return { app, other, place, tokens: app.vexaAdmin.tokens, users: app.vexaAdmin.users }
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('PATCH, rotate: the successor is disabled, or the token is already gone', async (t) => {
      const { app, other, place, tokens } = await buildTwo(t, database)
      for (let round = 0; round < rounds; round++) {
        const { id } = await tokens.create('user-1')
        const release = await lockToken(t, place, id)
        const disable = () => call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { disabled: true } })
        const rotate = () => call(other, 'POST', `/admin/tokens/${id}/rotate`)
        const requests = round % 2 === 0 ? [disable(), rotate()] : [rotate(), disable()]
        await sleep(10)
        await release()
        const replies = await Promise.all(requests)
        const [disabled, rotated] = round % 2 === 0 ? replies : replies.reverse()
        t.equal(rotated?.statusCode, 201)
        const { token } = rotated?.json()
        if (disabled?.statusCode === 404) t.match(await tokens.verify({ token }), { valid: true })
        else {
          t.equal(disabled?.statusCode, 200)
          t.same(await tokens.verify({ token }), { valid: false, code: 'TOKEN_DISABLED' })
        }
        await tokens.revokeAll('user-1')
      }
    })

    t.test('PATCH, DELETE: an update never creates a revoked token again', async (t) => {
      const { app, other, tokens, users } = await buildTwo(t, database)
      for (let round = 0; round < rounds; round++) {
        const { id: userId } = await users.create({ email: `${round}@x` })
        const { id, token } = await tokens.create(userId)
        const path = round % 2 === 0 ? `/admin/tokens/${id}` : `/admin/users/${userId}`
        const patch = (name: string) => call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { name } })
        const [first, deletion, second] = await Promise.all([patch('x'), call(other, 'DELETE', path), patch('y')])
        t.equal(deletion.statusCode, 204)
        for (const { statusCode } of [first, second]) t.ok([200, 404].includes(statusCode), `${statusCode}`)
        t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
        await t.rejects(tokens.get(id), { code: 'VEXA_ADMIN_ERR_TOKEN_NOT_FOUND' })
      }
    })

    t.test('PATCH: a token that expires during a wait is not brought back', async (t) => {
      const { app, place, tokens } = await buildTwo(t, database)
      const { id, token } = await tokens.create('user-1', { expires_in: 1 })
      const release = await lockToken(t, place, id)
      const update = call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { expires_in: 3600 } })
      await sleep(1100)
      await release()
      const reply = await update
      t.same([reply.statusCode, reply.json().code], [409, 'VEXA_ADMIN_ERR_TOKEN_EXPIRED'])
      t.same(await tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
    })

    t.test('PATCH: concurrent patches of different members are all kept', async (t) => {
      const { app, other, tokens } = await buildTwo(t, database)
      const { id } = await tokens.create('user-1', { data: { kept: true } })
      const replies = await Promise.all(Array.from({ length: 12 }, (_, i) =>
        call(i % 2 === 0 ? app : other, 'PATCH', `/admin/tokens/${id}`, { payload: { data: { [`m${i}`]: i } } })))
      t.same(replies.map(({ statusCode }) => statusCode), Array(12).fill(200))
      t.same((await tokens.get(id)).data, {
        kept: true, ...Object.fromEntries(replies.map((_, i) => [`m${i}`, i]))
      })
    })

    t.test('DELETE /tokens: a token whose expiry is extended first is kept', async (t) => {
      const { app, other, tokens } = await buildTwo(t, database)
      for (let round = 0; round < 3; round++) {
        const { id } = await tokens.create('user-1', { expires_in: 1 })
        await sleep(900)
        const extend = () => call(app, 'PATCH', `/admin/tokens/${id}`, { payload: { expires_in: 3600 } })
        const prune = async () => (await other.vexaAdmin.tokens.prune(new Date().toISOString())).deleted
        const pruning = (async () => { for (let i = 0; i < 20; i++) { await prune(); await sleep(10) } })()
        await sleep(20 * round)
        const { statusCode } = await extend()
        await pruning
        const kept = (await tokens.list('user-1')).some((token) => token.id === id)
        t.equal(kept, statusCode === 200, `${statusCode}`)
      }
    })
  })
}
