import t from 'tap'
import { MemoryStorage } from '../../examples/custom-storage.js'
import { call } from '../support/helpers.js'
import { buildVexa, callInternal, callVexa, createUser } from '../support/vexa.js'

t.test('POST tokens: the value begins with the first scope', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  for (const [query, body, scopes] of [
    ['', undefined, ['bot']],
    ['?scope=tx', undefined, ['tx']],
    ['?scopes=browser,%20tx,,browser', undefined, ['browser', 'tx']],
    ['?scopes=bot', { scopes: ['tx', 'bot'] }, ['tx', 'bot']],
    ['?scopes=bot,tx', { scopes: null }, ['bot', 'tx']]
  ] as const) {
    const reply = await callVexa(app, 'POST', `/admin/users/1/tokens${query}`, body)
    t.equal(reply.statusCode, 201)
    t.strictSame(reply.json().scopes, scopes)
    t.match(reply.json().token, new RegExp(`^vxa_${scopes[0]}_[0-9A-Za-z]{36}$`))
  }
})

t.test('POST tokens: takes a name and a lifetime from the query or the body', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  const create = async (query: string, body?: object) => {
    const { name, created_at: at, expires_at: end } =
      (await callVexa(app, 'POST', `/admin/users/1/tokens?${query}`, body)).json()
    return [name, end && (Date.parse(end) - Date.parse(at)) / 1000]
  }
  t.same(await create(''), [null, null])
  t.same(await create('name=ci&expires_in=60'), ['ci', 60])
  t.same(await create('name=ci&expires_in=60', { name: 'body', expires_in: '5' }), ['body', 5])
  t.same(await create('expires_in=0'), [null, null])
  t.same(await create('expires_in=-5', { name: null }), [null, null])
})

t.test('POST tokens: wrong parameters get 422, and create no token', async (t) => {
  const app = await buildVexa(t, {}, { maxTokenLifetime: 3600 })
  await createUser(app, 'jane@example.com')
  const post = async (query: string, body?: object, id = 1) => {
    const reply = await callVexa(app, 'POST', `/admin/users/${id}/tokens?${query}`, body)
    return [reply.statusCode, reply.json().detail]
  }
  t.match(await post('scopes=bot,admin,user'),
    [422, "Invalid scope(s): ['admin', 'user']. Valid: ['bot', 'browser', 'tx']"])
  t.match(await post(`scope=${'x'.repeat(40)}`), [422, /Invalid scope\(s\): \['…'\]/])
  t.match(await post('scopes='), [422, 'scopes must not be empty'])
  t.match(await post('', { scopes: [] }), [422, 'scopes must not be empty'])
  t.match(await post('expires_in=x'), [422, [{ type: 'int_parsing', loc: ['query', 'expires_in'] }]])
  t.match(await post('expires_in=4000'), [422, /3600/])
  t.match(await post(`name=${'x'.repeat(256)}`), [422, [{ type: 'string_too_long', loc: ['query', 'name'] }]])
  t.match(await post('', { expires_in: 0 }), [422, [{ type: 'greater_than_equal', loc: ['body', 'expires_in'] }]])
  t.match(await post('', { scope: 'tx' }), [422, [{ type: 'extra_forbidden', loc: ['body', 'scope'] }]])
  t.match(await post('', { scopes: 'tx' }), [422, [{ type: 'list_type', loc: ['body', 'scopes'] }]])
  t.match(await post('', { scopes: ['tx', 1] }), [422, [{ type: 'string_type', loc: ['body', 'scopes', 1] }]])
  t.match(await post('', undefined, 999), [404, 'User not found'])
  t.equal((await callVexa(app, 'GET', '/admin/users/1/tokens')).json().length, 1)
})

t.test('GET tokens: lists every token without its value', async (t) => {
  const app = await buildVexa(t)
  await createUser(app, 'jane@example.com')
  for (let i = 2; i <= 1001; i++) await app.vexaAdmin.tokens.create('user-1', { name: `token ${i}` })
  const tokens = (await callVexa(app, 'GET', '/admin/users/1/tokens')).json()
  t.same(tokens.map(({ id }: { id: number }) => id), Array.from({ length: 1001 }, (_, i) => i + 1))
  const { created_at: at } = tokens[1000]
  t.strictSame(tokens[1000], {
    id: 1001,
    user_id: 1,
    // A token without scopes may do everything.
    scopes: ['bot', 'tx', 'browser'],
    name: 'token 1001',
    created_at: at,
    last_used_at: null,
    expires_at: null
  })
  t.equal((await callVexa(app, 'GET', '/admin/users/9/tokens')).statusCode, 404)
})

t.test('GET user: shows no value of a token', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  const reply = await callVexa(app, 'GET', '/admin/users/1')
  t.equal(reply.json().api_tokens[0].token, '***')
  t.notMatch(reply.body, token)
})

t.test('DELETE tokens: the token is rejected at once, over both APIs', async (t) => {
  const app = await buildVexa(t)
  const { token } = await createUser(app, 'jane@example.com')
  const validate = async () => (await callInternal(app, 'POST', '/internal/validate', { token })).statusCode
  t.equal(await validate(), 200)
  const reply = await callVexa(app, 'DELETE', '/admin/tokens/1')
  t.same([reply.statusCode, reply.body], [204, ''])
  t.equal(await validate(), 401)
  t.equal((await call(app, 'GET', '/api/admin/tokens/token-1')).statusCode, 404)
  t.equal((await callVexa(app, 'DELETE', '/admin/tokens/1')).statusCode, 404)
})

t.test('tokens: a storage whose keys are not integers gets a 500 that the log explains', async (t) => {
  class Named extends MemoryStorage {
    override async createUser (...parameters: Parameters<MemoryStorage['createUser']>) {
      const user = await super.createUser(...parameters)
      return user === 'taken' ? user : { ...user, id: 'a' }
    }
  }
  const lines: string[] = []
  const logger = { stream: { write: (line: string) => { lines.push(line) } } }
  const app = await buildVexa(t, {}, { storage: new Named() }, { logger })
  const reply = await callVexa(app, 'POST', '/admin/users', { email: 'jane@example.com' })
  t.same([reply.statusCode, reply.json()], [500, { detail: 'Internal Server Error' }])
  t.match(lines.join(''), /needs a storage whose keys are integers/)
})
