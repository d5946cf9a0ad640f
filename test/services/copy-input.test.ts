import t from 'tap'
import { emptyStorage } from '../support/databases.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { build } from '../support/helpers.js'

const invalid = { code: 'VEXA_ADMIN_ERR_INVALID_INPUT', statusCode: 400 }

/** Returns an object whose member has the first value when it is read once, and then the second. */
function changing (members: object, name: string, first: unknown, then: unknown): any {
  let reads = 0
  return Object.defineProperty({ ...members }, name, { enumerable: true, get: () => reads++ === 0 ? first : then })
}

t.test('app.vexaAdmin: what the app changes during a call is not written', async (t) => {
  const stored = emptyStorage(t)
  let beforeUpdate = () => {}
  const storage = faultyStorage(stored, {
    updateUser: (...parameters) => {
      beforeUpdate()
      return stored.updateUser(...parameters)
    }
  })
  const { vexaAdmin: { users, tokens } } = await build(t, { storage, scopes: ['a'] })
  const input = { email: 'a@b', name: 'x', data: { list: [{ a: 1 }] } }
  const creating = users.create(input)
  input.data.list.push({ a: NaN })
  Object.assign(input, { email: '?', name: 1n })
  t.match(await creating, { email: 'a@b', name: 'x', data: { list: [{ a: 1 }] } })

  const patch = { name: 'y' as unknown, data: { a: { b: [1] as unknown[] } } }
  const updating = users.update('user-1', patch as never)
  patch.name = 1
  patch.data.a.b.push(NaN, { __proto__: null, when: new Date() })
  await updating
  t.match(await users.get('user-1'), { name: 'y', data: { list: [{ a: 1 }], a: { b: [1] } } })

  const left = { data: { a: 1 as unknown, b: '' } }
  beforeUpdate = () => { Object.assign(left.data, { a: NaN, b: 'x'.repeat(20_000) }) }
  await users.edit('user-1', () => left)
  t.same((await users.get('user-1')).data, { a: 1, b: '' })

  const options = { scopes: ['a'] }
  const making = tokens.create('user-1', options)
  options.scopes.push('?')
  t.same((await making).scopes, ['a'])
})

t.test('app.vexaAdmin: a getter that returns another value later is read once', async (t) => {
  const { vexaAdmin: { users, tokens } } = await build(t, { scopes: ['a'] })
  t.match(await users.create(changing({ name: 'x' }, 'email', 'a@b', '?')), { email: 'a@b', name: 'x' })
  t.match(await users.findOrCreate(changing({}, 'email', 'c@d', '?')), { user: { email: 'c@d' } })
  const twice = changing({}, 'data', changing({ a: 1 }, 'b', [changing({}, 'c', 2, NaN)], NaN), new Date())
  t.same((await users.update('user-1', twice)).data, { a: 1, b: [{ c: 2 }] })
  t.match(await users.edit('user-1', () => changing({}, 'name', 'y', 7)), { name: 'y' })
  t.equal((await users.list(changing({}, 'limit', 1, Infinity))).length, 1)
  t.match(await tokens.create('user-1', changing({}, 'scopes', ['a'], ['?'])), { scopes: ['a'] })
  t.match(await tokens.rotate('token-1', changing({}, 'grace_period', 60, -1)), { id: 'token-2' })
  t.match(await tokens.update('token-2', changing({}, 'name', 'z', 7)), { name: 'z' })
  t.equal((await tokens.find(changing({}, 'limit', 1, Infinity))).length, 1)
  t.equal((await tokens.list('user-1', changing({}, 'limit', 1, Infinity))).length, 1)
  await users.update('user-1', {}, changing({}, 'actor', 'cron', '\n'))
  await t.rejects(users.create(changing({}, 'email', '?', 'e@f')), invalid)
  t.equal((await users.list()).length, 2)
})

t.test('app.vexaAdmin: only what JSON would show is checked and written', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  await users.create({ email: 'a@b' })
  const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => ({ b: 'x'.repeat(20_000) }) })
  const list = Object.assign([1, 2], { toJSON: () => 'x'.repeat(20_000) })
  t.same((await users.update('user-1', { data: { hidden, list } })).data, { hidden: { a: 1 }, list: [1, 2] })
  const shared = { a: [1] }
  t.same((await users.update('user-1', { data: { hidden: shared, list: [shared, shared.a] } })).data,
    { hidden: { a: [1] }, list: [{ a: [1] }, [1]] })
})

t.test('app.vexaAdmin: circles, and much too deep values, are rejected at once', async (t) => {
  const { vexaAdmin: { users } } = await build(t)
  const circle: Record<string, unknown> = {}
  Object.assign(circle, { a: circle, b: circle, c: [circle, circle] })
  const input: Record<string, unknown> = { email: 'a@b' }
  input.data = input
  let deep: unknown = {}
  for (let i = 0; i < 100_000; i++) deep = i % 2 === 0 ? [deep] : { deep }
  let wide: unknown = {}
  for (let i = 0; i < 60; i++) wide = { a: wide, b: wide }
  class Point { x = 1 }
  for (const data of [
    circle, deep, wide, { deep }, new Point(), { point: new Point() }, { a: Array(1) }, { a: undefined }
  ]) {
    await t.rejects(users.create({ email: 'a@b', data } as never), invalid)
  }
  await t.rejects(users.create(input as never), invalid)
  for (const argument of [circle, deep, [], null, 'x', () => {}, Symbol('x')]) {
    await t.rejects(users.create(argument as never), invalid)
  }
  t.same(await users.list(), [])
})
