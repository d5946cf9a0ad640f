import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import openapiTypes, { astToString } from 'openapi-typescript'
import t, { type Test } from 'tap'
import vexaAdmin, { securitySchemes, type VexaAdminOptions } from '../src/index.js'
import { root, run } from './child.js'
import { emptyStorage } from './databases.js'
import { adminKey } from './helpers.js'

interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security?: object[]
  parameters?: Array<{ name: string }>
  requestBody?: { required?: boolean }
  responses: Record<string, { description: string, content?: Record<string, { schema: object, example?: unknown, examples?: unknown }> }>
}

async function documented (t: Test, options: Partial<VexaAdminOptions> = {}, routes: (app: FastifyInstance) => void = () => {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: { openapi: '3.1.0', components: { securitySchemes: { ...securitySchemes, session: { type: 'apiKey', in: 'cookie', name: 'session' } } } } })
  await app.register(vexaAdmin, { ...(options.authorize ? {} : { adminKeys: adminKey }), storage: emptyStorage(t), ...options })
  routes(app)
  await app.ready()
  const document = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>>, components: { securitySchemes: object } }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })))
  return { app, document, operations }
}

t.test('every route of the API is there, with all that can be said of it', async (t) => {
  const { operations } = await documented(t)
  t.same(operations.map(({ name }) => name).sort(), [
    'DELETE /admin/tokens/{id}', 'DELETE /admin/users/{id}', 'DELETE /admin/users/{id}/tokens',
    'GET /admin/users', 'GET /admin/users/email/{email}', 'GET /admin/users/{id}', 'GET /admin/users/{id}/tokens',
    'PATCH /admin/users/{id}',
    'POST /admin/tokens/verify', 'POST /admin/tokens/{id}/rotate', 'POST /admin/users', 'POST /admin/users/{id}/tokens'
  ])
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { name, summary, tags, security, responses } of operations) {
    t.ok(summary, name)
    t.equal(tags.length, 1, name)
    t.same(security, [{ adminKey: [] }], name)
    for (const status of ['400', '401', '503']) t.ok(responses[status], `${name}: ${status}`)
    for (const [status, { description, content }] of Object.entries(responses)) {
      t.notMatch(description, /Default Response/, `${name}: ${status}`)
      if (status === '204') continue
      const { schema, example, examples } = content?.['application/json'] ?? {}
      t.ok(schema && (example ?? examples), `${name}: ${status} has a schema and an example`)
    }
  }
})

t.test('the examples of errors are what is answered', async (t) => {
  const { app, operations } = await documented(t)
  const examples = Object.fromEntries(operations.map(({ name, responses }) => [name, responses]))
  const asked = async (method: 'GET' | 'DELETE', url: string, key = adminKey) => (await app.inject({ method, url, headers: { 'x-admin-api-key': key } })).json()
  const example = (name: string, status: number) => examples[name]?.[status]?.content?.['application/json']?.example
  t.same(await asked('GET', '/admin/users', 'wrong'), example('GET /admin/users', 401))
  t.same(await asked('GET', '/admin/users/user-9'), example('GET /admin/users/{id}', 404))
  t.same(await asked('DELETE', '/admin/tokens/token-9'), example('DELETE /admin/tokens/{id}', 404))
  t.same(await asked('GET', '/admin/users?x=1'), example('GET /admin/users', 400))
  t.same(await asked('DELETE', '/admin/tokens/token-9?x=1'), example('DELETE /admin/tokens/{id}', 400))
  const post = async (payload: string, type = 'application/json') => (await app.inject({ method: 'POST', url: '/admin/users', payload, headers: { 'x-admin-api-key': adminKey, 'content-type': type } })).json()
  await post('{"email":"a@b"}')
  t.same(await post('{"email":"a@b"}'), example('POST /admin/users', 409))
  t.same(await post(`"${'x'.repeat(2 ** 18)}"`), example('POST /admin/users', 413))
  t.match(await post('a', 'text/plain'), { ...example('POST /admin/users', 415) as object, message: /Unsupported Media Type/ })
})

t.test('the security schemes of both kinds of keys stand beside each other, and beside those of the app', async (t) => {
  const { document, operations } = await documented(t, {}, (app) => {
    app.get('/me', { onRequest: app.vexaAdmin.requireToken(), schema: { security: [{ apiToken: [] }, { bearerToken: [] }] } }, async (request) => request.apiUser)
    app.get('/public', async () => 'hello')
  })
  t.same(Object.keys(document.components.securitySchemes), ['adminKey', 'apiToken', 'bearerToken', 'session'])
  const security = Object.fromEntries(operations.map(({ name, security }) => [name, security]))
  t.same(security['GET /me'], [{ apiToken: [] }, { bearerToken: [] }])
  t.equal(security['GET /public'], undefined)
  t.same(security['GET /admin/users'], [{ adminKey: [] }])
})

t.test('what an app answers to an address that is taken is what its document says', async (t) => {
  const statuses = async (duplicateEmail: 'reject' | 'return') => Object.keys((await documented(t, { duplicateEmail })).operations.find(({ operationId }) => operationId === 'createUser')?.responses ?? {})
  t.same((await statuses('reject')).filter((status) => ['200', '409'].includes(status)), ['409'])
  t.same((await statuses('return')).filter((status) => ['200', '409'].includes(status)), ['200'])
})

t.test('what is one of several texts is an enum, which pages and generators show as a choice', async (t) => {
  const { document } = await documented(t, { scopes: ['bot', 'read'] })
  const text = JSON.stringify(document)
  for (const names of [['asc', 'desc'], ['NOT_FOUND', 'EXPIRED', 'DISABLED', 'INSUFFICIENT_SCOPE'], ['bot', 'read']]) t.ok(text.includes(`"enum":${JSON.stringify(names)}`), names.join())
})

t.test('with `authorize`, how one authorizes is for the app to say', async (t) => {
  const { operations } = await documented(t, { authorize: () => true })
  t.equal(operations.length, 12)
  t.ok(operations.every(({ security }) => security === undefined))
})

t.test('with `hide`, no route is there', async (t) => {
  const { app, operations } = await documented(t, { hide: true })
  t.same(operations, [])
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 200)
})

t.test('two registrations do not share names', async (t) => {
  const { operations } = await documented(t, {}, (app) => {
    app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, prefix: '/internal/admin', storage: emptyStorage(t) })
    })
  })
  t.equal(operations.length, 24)
  t.ok(operations.some(({ operationId }) => operationId === 'listUsers'))
  t.ok(operations.some(({ name, operationId }) => name === 'GET /internal/admin/users' && operationId === 'listUsers_internal_admin'))
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, 24)
})

t.test('examples/openapi.json and its types are those of the code', async (t) => {
  const generator = run(t, 'examples/openapi.ts')
  t.equal(await generator.exit, 0)
  t.equal(generator.output(), readFileSync(`${root}examples/openapi.json`, 'utf8'), 'npm run openapi')
  const types = astToString(await openapiTypes(JSON.parse(generator.output())))
  t.ok(readFileSync(`${root}examples/openapi-types.ts`, 'utf8').includes(types), 'npm run openapi')
})

t.test('the typed client works', async (t) => {
  const server = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: adminKey, PORT: '0' } })
  const url = JSON.parse(await server.line(/Server listening/)).msg.replace('Server listening at ', '')
  const client = run(t, 'examples/typed-client.ts', { args: [url], env: { ADMIN_API_KEY: adminKey } })
  t.same(JSON.parse(await client.line(/^{/)), { created: 'user-1', valid: true, newest: true })
  t.equal(await client.exit, 0)
})
