import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { build, call } from '../support/helpers.js'

const changes: Change[] = [
  ['PATCH', '/admin/users/user-1', { name: 'x' }], ['PATCH', '/admin/users/user-1', { data: { a: 1 } }],
  ['PUT', '/admin/users/user-1/data', { b: 2 }], ['DELETE', '/admin/users/user-1']
]

type Change = readonly [method: 'DELETE' | 'PATCH' | 'PUT', path: string, payload?: unknown]

const send = (app: FastifyInstance, [method, path, payload]: Change, ifMatch: string) =>
  call(app, method, path, {
    ...(payload as object && { payload: payload as object }), headers: { 'if-match': ifMatch }
  })

const changedMeanwhile = {
  statusCode: 412,
  code: 'VEXA_ADMIN_ERR_CHANGED_MEANWHILE',
  error: 'Precondition Failed',
  message: 'The user has changed since the reply with the ETag in If-Match: get the user again'
}

t.test('ETag: each reply with one user has a tag that begins with its revision', async (t) => {
  const app = await build(t, { duplicateEmail: 'return' })
  const tagOf = async (method: 'GET', path: string, payload?: object) => {
    const { headers: { etag }, statusCode } = await call(app, method, `/admin${path}`, payload && { payload })
    t.ok(statusCode < 300, `${method} ${path}`)
    return etag
  }
  t.equal(await tagOf('POST' as 'GET', '/users', { email: 'a@b' }), '"0"')
  t.equal(await tagOf('POST' as 'GET', '/users', { email: 'a@b' }), '"0"', 'an existing user')
  t.equal(await tagOf('PATCH' as 'GET', '/users/user-1', { name: 'x' }), '"1"')
  t.equal(await tagOf('PUT' as 'GET', '/users/user-1/data', { a: 1 }), '"2"')
  const shown = await tagOf('GET', '/users/user-1')
  t.match(shown, /^"2-[\w-]{22}"$/)
  t.equal(await tagOf('GET', '/users/email/A@B'), shown)
  t.equal(await tagOf('HEAD' as 'GET', '/users/user-1'), shown)
  t.equal(await tagOf('GET', '/users'), undefined, 'a list has no tag')
})

t.test('ETag: a change of a token changes the tag of the user with its tokens', async (t) => {
  const app = await build(t)
  const { users, tokens } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  const seen = new Set<unknown>()
  const look = async () => {
    const first = (await call(app, 'GET', '/admin/users/user-1')).headers.etag
    t.equal((await call(app, 'GET', '/admin/users/user-1')).headers.etag, first, 'the tag stays the same')
    t.notOk(seen.has(first), String(first))
    seen.add(first)
    return first
  }
  await look()
  await tokens.create('user-1', { name: 'CI' })
  await look()
  await tokens.create('user-1', { name: 'CI' })
  await look()
  await tokens.rotate('token-1', { grace_period: 60 })
  await look()
  await tokens.revoke('token-2')
  const etag = await look()
  t.equal((await send(app, ['PATCH', '/admin/users/user-1', { name: 'x' }], String(etag))).statusCode, 200)
  t.match(await look(), /^"1-/)
})

t.test('ETag: the first use of a token changes the tag of the user', async (t) => {
  const stored = emptyStorage(t)
  const app = await build(t, { storage: stored })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  await app.vexaAdmin.tokens.create('user-1')
  const { etag } = (await call(app, 'GET', '/admin/users/user-1')).headers
  await stored.touchTokens(['1'], '2024-01-01T12:00:00.000Z')
  t.not((await call(app, 'GET', '/admin/users/user-1')).headers.etag, etag)
})

t.test('If-Match: a change is made only if a tag names the current revision', async (t) => {
  const app = await build(t)
  const { users } = app.vexaAdmin
  let n = 0
  for (const change of changes) {
    for (const [ifMatch, status] of [
      ['"1"', 200], ['"1-hash"', 200], ['"1-"', 200], ['*', 200], ['"0", "1"', 200], ['"a,b","1-x",W/"3"', 200],
      [' , "1" ,', 200], ['"0","7"', 412], ['"0"', 412], ['"0-hash"', 412], ['"11"', 412], ['"01"', 412],
      ['"1 "', 400], ['"+1"', 412], ['"1.0"', 412], ['""', 412], ['"é"', 412], ['W/"1"', 412], ['W/"1-hash"', 412],
      ['W/"1", "0"', 412], ['"-1"', 412], ['1', 400], ['"1', 400], ['1"', 400], ["'1'", 400], ['""1""', 400],
      ['"1" "1"', 400], ['"1";"1"', 400], ['w/"1"', 400], ['W/1', 400], ['W/ "1"', 400], ['*, "1"', 400],
      ['"1", *', 400], ['**', 400], ['', 400], [',', 400], ['"1"x', 400], [`"1"${' '.repeat(5000)}x`, 400],
      [`${', '.repeat(2000)}x`, 400], [`"1"${', "0"'.repeat(1500)}`, 200]
    ] as const) {
      const { id } = await users.create({ email: `${++n}@b`, data: { old: true } })
      await users.update(id, { name: 'old' })
      const before = await users.get(id)
      const [method, path, payload] = change
      const reply = await send(app, [method, path.replace('user-1', id), payload], ifMatch)
      const title = `${method} with ${ifMatch.slice(0, 30)}`
      t.equal(reply.statusCode, status === 200 && method === 'DELETE' ? 204 : status, title)
      if (status === 200) continue
      t.same(await users.get(id), before, title)
      if (status === 412) t.same(reply.json(), changedMeanwhile, title)
      else t.match(reply.json(), { code: 'FST_ERR_VALIDATION', message: /^headers\/if-match Expected entity tags/ })
    }
  }
})

t.test('If-Match: an absent user is 404, and an invalid body 400, whatever the tag', async (t) => {
  const app = await build(t)
  for (const change of changes) {
    for (const ifMatch of ['"0"', '*', 'W/"0"']) {
      const reply = await send(app, change, ifMatch)
      t.match([reply.statusCode, reply.json().code], [404, 'VEXA_ADMIN_ERR_USER_NOT_FOUND'], `${change[0]} ${ifMatch}`)
    }
  }
  await app.vexaAdmin.users.create({ email: 'a@b' })
  t.equal((await send(app, ['PATCH', '/admin/users/user-1', { name: 1 }], '"9"')).statusCode, 400)
  t.equal((await send(app, ['PUT', '/admin/users/user-1/data', []], '"9"')).statusCode, 400)
})

t.test('If-Match: one of many concurrent changes with one tag is made', async (t) => {
  const app = await build(t)
  for (let round = 1; round <= 5; round++) {
    await app.vexaAdmin.users.create({ email: `${round}@x` })
    const path = `/admin/users/user-${round}`
    const requests: Change[] = [
      ['PATCH', path, { name: 'x' }], ['PATCH', path, { data: { a: 1 } }], ['PUT', `${path}/data`, { b: 2 }],
      ...round > 2 ? [['DELETE', path] as const] : []
    ]
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) =>
      send(app, requests[(i + round) % requests.length] as Change, '"0"')))
    const statuses = replies.map(({ statusCode }) => statusCode)
    const deleted = statuses.includes(204)
    t.equal(statuses.filter((status) => status < 300).length, 1, `round ${round}: ${statuses}`)
    t.equal(statuses.filter((status) => status === (deleted ? 404 : 412)).length >= 1, true, `${statuses}`)
    t.ok(statuses.every((status) => [200, 204, 404, 412].includes(status)), `${statuses}`)
    if (!deleted) t.match((await call(app, 'GET', path)).headers.etag, /^"1-/)
  }
})

t.test('If-Match: two clients that count up lose no update', async (t) => {
  const app = await build(t)
  await app.vexaAdmin.users.create({ email: 'a@b', data: { count: 0 } })
  const conflicts = { count: 0 }
  await Promise.all(Array.from({ length: 2 }, async () => {
    for (let done = 0; done < 15;) {
      const { headers: { etag }, ...reply } = await call(app, 'GET', '/admin/users/user-1')
      const payload = { count: reply.json().data.count + 1 }
      const { statusCode } = await send(app, ['PUT', '/admin/users/user-1/data', payload], String(etag))
      if (statusCode === 200) done++
      else if (statusCode === 412) conflicts.count++
      else throw new Error(`status ${statusCode}`)
    }
  }))
  t.same((await app.vexaAdmin.users.get('user-1')).data, { count: 30 })
  t.ok(conflicts.count > 0)
})

t.test('If-Match: a change or deletion between the check and the write is noticed', async (t) => {
  for (const change of changes) {
    for (const meanwhile of ['change', 'deletion'] as const) {
      const stored = emptyStorage(t)
      let interferes = true
      const interfere = async () => {
        if (!interferes) return
        interferes = false
        if (meanwhile === 'change') await stored.updateUser('1', { max_concurrent_bots: 9 })
        else await stored.deleteUser('1')
      }
      const app = await build(t, {
        storage: faultyStorage(stored, {
          updateUser: async (id, changes, revision) => {
            await interfere()
            return stored.updateUser(id, changes, revision)
          },
          deleteUser: async (id, revision) => {
            await interfere()
            return stored.deleteUser(id, revision)
          }
        })
      })
      await app.vexaAdmin.users.create({ email: 'a@b' })
      const reply = await send(app, change, '"0"')
      t.equal(reply.statusCode, meanwhile === 'change' ? 412 : 404, `${change[0]}, ${meanwhile}`)
      if (meanwhile === 'change') {
        t.match(await app.vexaAdmin.users.get('user-1'), { name: null, max_concurrent_bots: 9, data: undefined })
      }
      await app.close()
    }
  }
})
