import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { emptyPlace, lockToken, storageAt } from '../support/databases.js'
import { build, call } from '../support/helpers.js'
import { strangeIds } from '../support/strange-ids.js'

const rotated = (successor: string) => ({
  statusCode: 409,
  code: 'VEXA_ADMIN_ERR_TOKEN_ROTATED',
  error: 'Conflict',
  message: `The token has been rotated already. Its successor is ${successor}: rotate that token to get a new value`
})

t.test('POST /tokens/:id/rotate: creates a token, and ends the old after grace_period', async (t) => {
  const app = await build(t, { scopes: ['bot'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const valid = async ({ token }: { token: string }) => (await tokens.verify({ token })).valid
  const old = await tokens.create('user-1', { name: 'CI', scopes: ['bot'] })
  const reply = await call(app, 'POST', `/admin/tokens/${old.id}/rotate`, {
    headers: { 'content-type': 'application/json' }
  })
  t.equal(reply.statusCode, 201)
  const second = reply.json()
  t.match(second, { id: 'token-2', token: /^vex_/, user_id: 'user-1', name: 'CI', scopes: ['bot'] })
  t.notOk('expires_at' in second)
  t.equal(await valid(old), false)
  t.equal(await valid(second), true)

  const third = (await call(app, 'POST', '/admin/tokens/token-2/rotate', { payload: { grace_period: 60 } })).json()
  t.equal(await valid(second), true, 'within its grace period')
  t.notOk('expires_at' in third, 'the successor never expires, like the old token')
  t.equal(await valid(third), true)
  const { expires_at: dies } = (await tokens.list('user-1'))[0] as { expires_at: string }
  t.ok(Math.abs(Date.parse(dies) - Date.now() - 60_000) < 5_000)

  t.equal((await call(app, 'POST', `/admin/tokens/${old.id}/rotate`)).statusCode, 404, 'a rotated token is gone')
  for (const payload of [
    { grace_period: -1 }, { grace_period: '1' }, { grace_period: 0.5 }, { grace_period: null }, { expires_in: 1 },
    { name: 'x' }
  ]) {
    t.equal(
      (await call(app, 'POST', `/admin/tokens/${third.id}/rotate`, { payload })).statusCode, 400,
      JSON.stringify(payload)
    )
  }
  for (const id of strangeIds('token', 'user').filter((id) => id !== 'token-2')) {
    t.equal((await call(app, 'POST', `/admin/tokens/${id}/rotate`)).statusCode, 404, id)
  }
  t.same((await tokens.list('user-1')).map(({ id }) => id), ['token-2', 'token-3'])
})

t.test('POST /tokens/:id/rotate: keeps an earlier expiry, and returns 409 once expired', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const old = await tokens.create('user-1', { expires_in: 1 })
  const next = await tokens.rotate(old.id, { grace_period: 3600 })
  t.equal((await tokens.list('user-1'))[0]?.expires_at, old.expires_at)
  t.equal(Date.parse(next.expires_at as string) - Date.parse(next.created_at), 1000, 'the same lifetime')
  t.match(await tokens.verify({ token: old.token }), { valid: true })
  await sleep(Date.parse(next.expires_at as string) - Date.now() + 1)
  for (const { id, token } of [old, next]) {
    t.same(await tokens.verify({ token }), { valid: false, code: 'EXPIRED' })
    t.equal(
      (await call(app, 'POST', `/admin/tokens/${id}/rotate`, { payload: { grace_period: 3600 } })).statusCode, 409
    )
  }
  t.equal((await tokens.list('user-1')).length, 2)
})

t.test('POST /tokens/:id/rotate: ends the old token early when grace_period is shorter', async (t) => {
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const old = await tokens.create('user-1', { expires_in: 3600 })
  const next = await tokens.rotate(old.id, { grace_period: 60 })
  const dies = (await tokens.list('user-1'))[0]?.expires_at
  t.equal(Date.parse(dies as string), Date.parse(next.created_at) + 60_000)
})

t.test('POST /tokens/:id/rotate: creates one successor for ten concurrent requests', async (t) => {
  const place = emptyPlace(t)
  const apps = [await build(t, { storage: storageAt(place) }), await build(t, { storage: storageAt(place) })] as const
  await apps[0].vexaAdmin.users.create({ email: 'a@b' })
  for (let round = 1; round <= 5; round++) {
    const { id } = await apps[0].vexaAdmin.tokens.create('user-1')
    const release = await lockToken(t, place, id)
    const rotations = Array.from({ length: 10 }, async (_, i) => {
      await sleep(2 * i)
      return call(apps[i % 2 === 0 ? 0 : 1], 'POST', `/admin/tokens/${id}/rotate`)
    })
    await sleep(30)
    await release()
    t.same((await Promise.all(rotations)).map((reply) => reply.statusCode).sort(), [201, ...Array(9).fill(404)])
    t.equal((await apps[1].vexaAdmin.tokens.list('user-1')).length, round)
  }
})

t.test('POST /tokens/:id/rotate: ten concurrent requests with a grace create one successor', async (t) => {
  const place = emptyPlace(t)
  const apps = [await build(t, { storage: storageAt(place) }), await build(t, { storage: storageAt(place) })] as const
  const { tokens, users } = apps[0].vexaAdmin
  await users.create({ email: 'a@b' })
  for (let round = 1; round <= 5; round++) {
    const { id } = await tokens.create('user-1')
    const replies = await Promise.all(Array.from({ length: 10 }, (_, i) =>
      call(apps[i % 2 === 0 ? 0 : 1], 'POST', `/admin/tokens/${id}/rotate`, { payload: { grace_period: 60 } })))
    const [created, ...others] = replies.sort((a, b) => a.statusCode - b.statusCode)
    t.equal(created?.statusCode, 201)
    for (const reply of others) t.same(reply.json(), rotated(created?.json().id))
    t.equal((await tokens.list('user-1')).length, 2 * round)
  }
})

t.test('POST /tokens/:id/rotate: returns 409 when the token expires during a wait', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { id } = await app.vexaAdmin.tokens.create('user-1', { expires_in: 1 })
  const release = await lockToken(t, place, id)
  const rotation = call(app, 'POST', `/admin/tokens/${id}/rotate`)
  await sleep(1100)
  await release()
  const reply = await rotation
  t.equal(reply.statusCode, 409)
  t.equal(reply.json().code, 'VEXA_ADMIN_ERR_TOKEN_EXPIRED')
})

t.test('maxTokenLifetime: limits the lifetime of a successor, also of an older token', async (t) => {
  const place = emptyPlace(t)
  const { vexaAdmin: { users, tokens: unlimited } } = await build(t, { storage: storageAt(place) })
  await users.create({ email: 'a@b' })
  const app = await build(t, { storage: storageAt(place), maxTokenLifetime: 3600 })
  const seconds = (from?: string, to?: string) => (Date.parse(to as string) - Date.parse(from as string)) / 1000
  for (const [expiresIn, expected] of [[undefined, 3600], [86_400, 3600], [3600, 3600], [60, 60]]) {
    const old = await unlimited.create('user-1', { expires_in: expiresIn })
    t.match(await app.vexaAdmin.tokens.verify({ token: old.token }), { valid: true }, 'an older token stays valid')
    const reply = await call(app, 'POST', `/admin/tokens/${old.id}/rotate`, { payload: { grace_period: 30 } })
    t.equal(reply.statusCode, 201)
    const { id, created_at: from, expires_at: to } = reply.json()
    t.equal(seconds(from, to), expected, `${expiresIn}`)
    const again = await unlimited.rotate(id)
    t.equal(seconds(again.created_at, again.expires_at), expected, 'its lifetime stays the limited one')
  }
})

t.test('POST /tokens/:id/rotate: a repeated request gets 409 while the successor lives', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.teardown(() => mock.timers.reset())
  const app = await build(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const rotate = async (id: string, payload: object = { grace_period: 60 }) => {
    const { statusCode, json } = await call(app, 'POST', `/admin/tokens/${id}/rotate`, { payload })
    return statusCode === 201 ? json().id : json()
  }
  await tokens.create('user-1', { expires_in: 3600 })
  t.equal(await rotate('token-1'), 'token-2')
  t.same(await rotate('token-1'), rotated('token-2'))
  t.same(await rotate('token-1', {}), rotated('token-2'), 'without a grace period, too')
  t.equal((await tokens.list('user-1')).length, 2)
  await tokens.update('token-2', { disabled: true })
  t.same(await rotate('token-1'), rotated('token-2'), 'a disabled successor lives')
  mock.timers.tick(61_000)
  t.same(await rotate('token-1'), rotated('token-2'), 'the old token has expired')
  await t.rejects(tokens.rotate('token-1'), { code: 'VEXA_ADMIN_ERR_TOKEN_ROTATED', statusCode: 409 })

  t.equal(await rotate('token-2', { grace_period: 3600 }), 'token-3', 'the successor can be rotated')
  await tokens.revoke('token-3')
  t.equal(await rotate('token-2', { grace_period: 3600 }), 'token-4', 'and again after its own successor is revoked')
  await tokens.update('token-2', { expires_in: 86_400 })
  await tokens.update('token-4', { expires_in: 1 })
  t.same(await rotate('token-2'), rotated('token-4'))
  mock.timers.tick(1000)
  t.equal(await rotate('token-2'), 'token-5', 'and after its own successor has expired')
  t.same(await rotate('token-2'), rotated('token-5'), 'the latest successor counts')
})

t.test('POST /tokens/:id/rotate: keeps name, scopes, data and `disabled`', async (t) => {
  const app = await build(t, { scopes: ['bot'] })
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const kept = { name: 'CI', scopes: ['bot'], data: { a: [null, { b: 'é' }] } }
  await tokens.create('user-1', kept)
  await tokens.update('token-1', { disabled: true })
  const reply = (await call(app, 'POST', '/admin/tokens/token-1/rotate')).json()
  t.match(reply, { id: 'token-2', disabled: true, ...kept })
  t.same(reply.data, kept.data)
  t.same(await tokens.verify({ token: reply.token }), { valid: false, code: 'TOKEN_DISABLED' })
  t.match(await tokens.update('token-2', { disabled: false }), kept)
  t.match(await tokens.verify({ token: reply.token }), { valid: true, token: kept })
})

t.test('maxTokenLifetime: limits the grace period, also of a token without expiry', async (t) => {
  const place = emptyPlace(t)
  const { vexaAdmin: { users, tokens: unlimited } } = await build(t, { storage: storageAt(place) })
  await users.create({ email: 'a@b' })
  const app = await build(t, { storage: storageAt(place), maxTokenLifetime: 3600 })
  for (const [expiresIn, grace, expected] of [
    [undefined, 86_400, 3600], [undefined, 60, 60], [86_400, 7200, 3600], [600, 86_400, 600], [undefined, 3600, 3600]
  ]) {
    const old = await unlimited.create('user-1', { expires_in: expiresIn })
    const from = Date.now()
    t.equal((await call(app, 'POST', `/admin/tokens/${old.id}/rotate`, {
      payload: { grace_period: grace }
    })).statusCode, 201)
    const { expires_at: dies } = await unlimited.get(old.id)
    const seconds = (Date.parse(dies as string) - from) / 1000
    t.ok(Math.abs(seconds - (expected as number)) < 5, `${expiresIn}, ${grace}: ${seconds}`)
  }
})
