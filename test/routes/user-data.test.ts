import { hash } from 'node:crypto'
import t from 'tap'
import { emptyPlace, storageAt } from '../support/databases.js'
import { strangeIds } from '../support/strange-ids.js'
import { build, call } from '../support/helpers.js'

const json = { 'content-type': 'application/json' }
/** Returns data of this size as JSON. */
const ofBytes = (bytes: number, letter = 'é') => ({ a: letter.repeat((bytes - 8) / Buffer.byteLength(letter)) })
const nested = (levels: number): object => levels === 1 ? {} : { a: nested(levels - 1) }

t.test('PUT /users/:id/data: replaces data as a whole, and keeps nulls', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b', name: 'A', data: { old: { a: 1 } } })
  for (const data of [
    { new: { b: null }, list: [null, { c: null }], '': 1 }, {}, { old: null }, { data: { id: 'user-9' } }, nested(31)
  ]) {
    const reply = await call(app, 'PUT', '/admin/users/user-1/data', { payload: data })
    t.equal(reply.statusCode, 200)
    t.same(reply.json(), { ...user, data })
    t.same((await call(app, 'GET', '/admin/users/user-1')).json(), { ...user, data, api_tokens: [] })
  }
  const merge = await call(app, 'PUT', '/admin/users/user-1/data', {
    payload: '{"a":null}', headers: { 'content-type': 'application/merge-patch+json' }
  })
  t.same(merge.json().data, { a: null }, 'the type of the body does not make it a patch')
})

t.test('PUT /users/:id/data: rejects an invalid body, and changes nothing', async (t) => {
  const app = await build(t)
  const user = await app.vexaAdmin.users.create({ email: 'a@b', data: { a: 1 } })
  for (const payload of [
    'null', '[]', '"x"', '1', 'true', '{', '{"a":1,"a":2}', '{"a":12345678901234567890}', '{"a":1e400}',
    '{"__proto__":1}', '{"a":{"__proto__":{}}}', '{"a":"\\ud800"}', '{"a\\u0000":1}', JSON.stringify(nested(32)),
    JSON.stringify(ofBytes(16386)), '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)
  ]) {
    const reply = await call(app, 'PUT', '/admin/users/user-1/data', { payload, headers: json })
    t.equal(reply.statusCode, 400, payload.slice(0, 40))
    t.ok(reply.body.length < 300, 'the message does not repeat the value')
  }
  t.equal((await call(app, 'PUT', '/admin/users/user-1/data')).statusCode, 400, 'no body')
  t.equal((await call(app, 'PUT', '/admin/users/user-1/data', { headers: json })).statusCode, 400, 'an empty body')
  t.equal((await call(app, 'PUT', '/admin/users/user-1/data', {
    payload: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' }
  })).statusCode, 415)
  for (const id of strangeIds('user', 'token')) {
    const reply = await call(app, 'PUT', `/admin/users/${id}/data`, { payload: {} })
    t.equal(reply.statusCode, 404, id)
    t.equal(reply.json().code, 'VEXA_ADMIN_ERR_USER_NOT_FOUND', id)
  }
  t.equal((await app.inject({ method: 'PUT', url: '/admin/users/user-1/data', payload: {} })).statusCode, 401)
  t.same(await app.vexaAdmin.users.get('user-1'), { ...user, api_tokens: [] })
})

t.test('data: a name of more than 65535 bytes is rejected on every database', async (t) => {
  const app = await build(t, { maxDataSize: 1024 * 1024 })
  const longest = `${'é'.repeat(32_767)}x`
  const message = /Expected a JSON object with .* whose names have at most 65535 bytes/
  await app.vexaAdmin.users.create({ email: 'a@b', data: { [longest]: 1 } })
  for (const name of [
    `${longest}x`, `${longest.slice(0, -1)}é`, 'x'.repeat(65_536), '\u20ac'.repeat(21_846), '"'.repeat(65_536)
  ]) {
    for (const data of [{ [name]: null }, { list: [{ [name]: 1 }] }]) {
      for (const [method, path, payload] of [
        ['POST', '/users', { email: 'c@d', data }], ['PATCH', '/users/user-1', { data }],
        ['PUT', '/users/user-1/data', data]
      ] as const) {
        const reply = (await call(app, method, `/admin${path}`, { payload })).json()
        t.match([reply.statusCode, reply.code], [400, 'FST_ERR_VALIDATION'], method)
        t.match(reply.message, message, method)
      }
      await t.rejects(app.vexaAdmin.users.edit('user-1', () => ({ data })), { statusCode: 400, message })
    }
  }
  for (const name of [longest, 'x'.repeat(65_535), '\u20ac'.repeat(21_845), '"'.repeat(65_535), '\n'.repeat(65_535)]) {
    const reply = await call(app, 'PUT', '/admin/users/user-1/data', { payload: { a: { [name]: 1 } } })
    t.equal(reply.statusCode, 200)
    t.ok(Object.keys((await app.vexaAdmin.users.get('user-1')).data?.a as object)[0] === name)
  }
})

t.test('maxDataSize: limits data in each request, and the message names the limit', async (t) => {
  for (const maxDataSize of [2, 100, 16384]) {
    const app = await build(t, { maxDataSize })
    const { users } = app.vexaAdmin
    const largest = maxDataSize === 2 ? {} : ofBytes(maxDataSize)
    const tooLarge = maxDataSize === 2 ? { '': 1 } : ofBytes(maxDataSize + 1, 'x')
    t.same((await users.create({ email: 'a@b', data: largest })).data, largest)
    t.equal((await call(app, 'PUT', '/admin/users/user-1/data', { payload: largest })).statusCode, 200)
    const message = `data must be at most ${maxDataSize} bytes as JSON`
    const body = { statusCode: 400, code: 'VEXA_ADMIN_ERR_INVALID_INPUT', error: 'Bad Request', message }
    for (const [method, path, payload] of [
      ['POST', '/users', { email: 'c@d', data: tooLarge }], ['PATCH', '/users/user-1', { data: tooLarge }],
      ['PUT', '/users/user-1/data', tooLarge]
    ] as const) {
      t.same((await call(app, method, `/admin${path}`, { payload })).json(), body, `${method} ${maxDataSize}`)
    }
    await t.rejects(users.create({ email: 'c@d', data: tooLarge }), { message })
    await t.rejects(users.update('user-1', { data: tooLarge }), { message })
    await t.rejects(users.edit('user-1', () => ({ data: tooLarge })), { message })
    t.same((await users.list()).map(({ data }) => data), [largest])
  }
})

t.test('maxDataSize: the largest data is accepted, even if each character is escaped', async (t) => {
  for (const maxDataSize of [2, 16384, 1024 * 1024]) {
    const app = await build(t, { maxDataSize })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const data = maxDataSize === 2 ? {} : { aa: 'x'.repeat(maxDataSize - 9) }
    const text = maxDataSize === 2
      ? '{}'
      : `{"\\u0061\\u0061":"${'\\u0078'.repeat(maxDataSize - 9)}"}`
    const escaped = '\\ud83d\\ude00'
    const requests = [
      ['POST', 'users', `{"email":"${escaped.repeat(252)}@b","name":"${escaped.repeat(255)}","data":${text}}`],
      ['PATCH', 'users/user-1', `{"data":${text}}`], ['PUT', 'users/user-1/data', text]
    ] as const
    const send = async (method: string, path: string, body: string) => {
      const reply = await fetch(`${url}/admin/${path}`, {
        method, body, headers: { ...json, 'x-admin-api-key': 'an-admin-key-for-the-tests' }
      })
      return [reply.status, await reply.json()] as [number, any]
    }
    for (const [method, path, body] of requests) {
      const [status, user] = await send(method, path, body)
      t.equal(status, method === 'POST' ? 201 : 200, `${method}, ${maxDataSize}`)
      // The data itself would be too long for a message.
      t.equal(hash('sha1', JSON.stringify(user.data)), hash('sha1', JSON.stringify(data)), `${method}, ${maxDataSize}`)
    }
    const [status, { code }] = await send('PUT', 'users/user-1/data', '{}'.padEnd(6 * maxDataSize + 32 * 1024 + 1))
    t.same([status, code], [413, 'FST_ERR_CTP_BODY_TOO_LARGE'], 'a body that is larger than any valid body')
  }
})

t.test('maxDataSize: a smaller limit than before leaves stored data as it is', async (t) => {
  const place = emptyPlace(t)
  const before = await build(t, { storage: storageAt(place) })
  const data = { a: 'x'.repeat(1000), b: 1 }
  await before.vexaAdmin.users.create({ email: 'a@b', data })
  await before.close()
  const app = await build(t, { storage: storageAt(place), maxDataSize: 100 })
  t.same((await app.vexaAdmin.users.update('user-1', { name: 'x' })).data, data)
  t.equal((await call(app, 'PATCH', '/admin/users/user-1', { payload: { data: { b: 2 } } })).statusCode, 400)
  t.same((await app.vexaAdmin.users.update('user-1', { data: { a: null } })).data, { b: 1 })
})
