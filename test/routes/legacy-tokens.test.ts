import t from 'tap'
import { hashTokenValue } from '../../src/services/token-value.js'
import { newToken } from '../../src/storage/conformance/records.js'
import type { StorageAdapter } from '../../src/storage/storage-adapter.js'
import { emptyPlace, emptyStorage, storageAt } from '../support/databases.js'
import { interceptStorage } from '../support/faulty-storage.js'
import { build, call } from '../support/helpers.js'

const value = 'sk_live_0123456789abcdef'

/** Creates a token with a value of an earlier system, as an import does. */
async function createLegacy (storage: StorageAdapter, userId: string, value: string): Promise<void> {
  const hash = hashTokenValue(value)
  await storage.createToken(newToken(userId.replace('user-', ''), 0, { hash }))
}

t.test('legacyTokens: accepts a value of one of the forms wherever a value is sent', async (t) => {
  const storage = emptyStorage(t)
  const app = await build(t, { storage, legacyTokens: [/other/, /sk_live_[0-9a-f]{16}/] })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async ({ apiToken }) => apiToken.id)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  await createLegacy(storage, id, value)
  const { token: ours } = await app.vexaAdmin.tokens.create(id)
  const me = async (headers: Record<string, string>) => (await app.inject({ url: '/me', headers })).statusCode
  const post = async (path: string, payload: object) => (await call(app, 'POST', `/admin/${path}`, { payload })).json()

  for (const token of [value, ours]) {
    t.equal(await me({ 'x-api-key': token }), 200)
    t.equal(await me({ authorization: `Bearer ${token}` }), 200)
    t.equal((await app.vexaAdmin.tokens.verify({ token })).valid, true)
    t.match(await post('tokens/verify', { token }), { valid: true, token: { token: '***' } })
    t.match(await post('introspect', { token }), { active: true, username: 'a@b' })
  }
  t.equal(await me({ 'x-api-key': value, authorization: `Bearer ${ours}` }), 401, 'two different tokens')
  t.equal(await me({ 'x-api-key': value, authorization: 'Bearer a.jwt' }), 200)
  for (const token of ['sk_live_0123456789abcdee', 'other', `${value}0`, ` ${value}`]) {
    t.same(await post('tokens/verify', { token }), { valid: false, code: 'NOT_FOUND' }, token)
  }
  t.same(await post('revoke', { token: value }), {})
  t.equal(await me({ 'x-api-key': value }), 401)
})

t.test('legacyTokens: only a value that matches a form as a whole costs a query', async (t) => {
  let queries = 0
  const storage = interceptStorage(emptyStorage(t), ({ name, proceed }) => {
    if (name === 'findTokenByHash') queries++
    return proceed()
  })
  const forms = [/ab|cd+/g, /^x[0-9]$/m, /Ü?é?[yz]{3}/iu, /w+\n?w*/s, /[,;]{2}/y, /q*/]
  const { vexaAdmin: { tokens } } = await build(t, { storage, legacyTokens: forms })
  forms.length = 0
  const queriesOf = async (token: string) => {
    queries = 0
    t.same(await tokens.verify({ token }), { valid: false, code: 'NOT_FOUND' })
    return queries
  }
  for (const token of ['ab', 'cddd', 'x7', 'yzZ', ';,', 'www', 'q'.repeat(255)]) {
    // A form with the flag `g` would reject each second value.
    for (let round = 0; round < 3; round++) t.equal(await queriesOf(token), 1, token)
  }
  for (const token of [
    '', 'a', 'abc', 'xab', ' ab', 'ab ', 'ab\n', 'abcd', 'x7\nx8', 'x77', 'w\nw', '\u00e9yyy', 'q'.repeat(256)
  ]) t.equal(await queriesOf(token), 0, JSON.stringify(token))
})

t.test('legacyTokens: a token with a comma is told from another credential', async (t) => {
  const storage = emptyStorage(t)
  const app = await build(t, { storage, legacyTokens: [/[a-z]+,[a-z]+/] })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async () => 'ok')
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  await createLegacy(storage, id, 'left,right')
  const headers = { 'x-api-key': 'left,right', authorization: 'Bearer a.jwt' }
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 200)
})

t.test('legacyTokens: without it, an app rejects values that another app accepts', async (t) => {
  const place = emptyPlace(t)
  const accepting = await build(t, { storage: storageAt(place), legacyTokens: [/sk_.*/] })
  const { id } = await accepting.vexaAdmin.users.create({ email: 'a@b' })
  const storage = storageAt(place)
  t.teardown(() => storage.close())
  await storage.open()
  await createLegacy(storage, id, value)
  t.match(await accepting.vexaAdmin.tokens.verify({ token: value }), { valid: true })
  const rejecting = await build(t, { storage: storageAt(place) })
  t.same(await rejecting.vexaAdmin.tokens.verify({ token: value }), { valid: false, code: 'NOT_FOUND' })
})
