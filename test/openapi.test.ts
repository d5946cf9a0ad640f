import { readFileSync } from 'node:fs'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import {
  createJsonSchemaTransform, jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler
} from 'fastify-type-provider-zod'
import openapiTypes, { astToString } from 'openapi-typescript'
import t, { type Test } from 'tap'
import { z } from 'zod'
import vexaAdmin, { securitySchemes, UnauthorizedError, type VexaAdminOptions } from '../src/index.js'
import { errorReplies } from '../src/schemas/error-replies.js'
import { root, run } from './support/child.js'
import { emptyStorage } from './support/databases.js'
import { adminKey } from './support/helpers.js'

// Shared, because a new one takes 0.2 s to compile its schema of OpenAPI.
const validator = new Validator()

interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security?: object[]
  parameters?: Array<{ name: string }>
  requestBody?: { required?: boolean }
  responses: Record<string, {
    description: string
    content?: Record<string, { schema: object, example?: unknown, examples?: unknown }>
  }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: object }
}

/** Returns the document of an app, its operations, and the operations that the routes of the app have. */
async function documented (
  t: Test, options: Partial<VexaAdminOptions> = {}, routes: (app: FastifyInstance) => void = () => {}
) {
  const app = Fastify()
  t.teardown(() => app.close())
  const session = { type: 'apiKey', in: 'cookie', name: 'session' } as const
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      components: { securitySchemes: { ...securitySchemes, session } }
    }
  })
  const shown: string[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (method !== 'HEAD' && !schema?.hide) shown.push(`${[method].flat().join()} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  await app.register(vexaAdmin, {
    ...(options.authorize ? {} : { adminKeys: adminKey }), storage: emptyStorage(t), ...options
  })
  routes(app)
  await app.ready()
  const document = app.swagger() as unknown as Document
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })))
  return { app, document, operations, shown }
}

t.test('OpenAPI: the document has every route with statuses, schemas and examples', async (t) => {
  const { operations, shown } = await documented(t, { audit: true })
  t.same(operations.map(({ name }) => name).sort(), [
    'DELETE /admin/tokens', 'DELETE /admin/tokens/{id}', 'DELETE /admin/users/{id}', 'DELETE /admin/users/{id}/tokens',
    'GET /admin/audit', 'GET /admin/settings', 'GET /admin/tokens', 'GET /admin/tokens/{id}', 'GET /admin/users',
    'GET /admin/users/email/{email}', 'GET /admin/users/{id}', 'GET /admin/users/{id}/tokens',
    'PATCH /admin/tokens/{id}', 'PATCH /admin/users/{id}', 'POST /admin/introspect', 'POST /admin/revoke',
    'POST /admin/tokens/verify', 'POST /admin/tokens/{id}/rotate', 'POST /admin/users', 'POST /admin/users/{id}/tokens',
    'PUT /admin/users/{id}/data'
  ])
  t.same(shown.sort(), operations.map(({ name }) => name).sort())
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { name, summary, tags, security, responses } of operations) {
    t.ok(summary, name)
    t.equal(tags.length, 1, name)
    t.same(security, [{ adminKey: [] }], name)
    for (const status of ['400', '401', '403', '503']) {
      // Every admin may read the settings.
      t.equal(responses[status] !== undefined, status !== '403' || name !== 'GET /admin/settings', `${name}: ${status}`)
    }
    for (const [status, { description, content }] of Object.entries(responses)) {
      t.notMatch(description, /Default Response/, `${name}: ${status}`)
      if (status === '204') continue
      const { schema, example, examples } = content?.['application/json'] ?? {}
      t.ok(schema && (example ?? examples), `${name}: ${status} has a schema and an example`)
    }
  }
})

t.test('OpenAPI: the examples of errors equal the replies', async (t) => {
  const { app, operations } = await documented(t)
  const examples = Object.fromEntries(operations.map(({ name, responses }) => [name, responses]))
  const asked = async (method: 'GET' | 'DELETE', url: string, key = adminKey) =>
    (await app.inject({ method, url, headers: { 'x-admin-api-key': key } })).json()
  const example = (name: string, status: number) => examples[name]?.[status]?.content?.['application/json']?.example
  t.same(await asked('GET', '/admin/users', 'wrong'), example('GET /admin/users', 401))
  t.same(await asked('GET', '/admin/users/user-9'), example('GET /admin/users/{id}', 404))
  t.same(await asked('DELETE', '/admin/tokens/token-9'), example('DELETE /admin/tokens/{id}', 404))
  t.same(await asked('GET', '/admin/users?x=1'), example('GET /admin/users', 400))
  t.same(await asked('DELETE', '/admin/tokens/token-9?x=1'), example('DELETE /admin/tokens/{id}', 400))
  t.same(await asked('GET', '/admin/tokens/token-9'), example('GET /admin/tokens/{id}', 404))
  const future = 'state=expired&expired_before=9999-01-01T00:00:00Z'
  const pruning = examples['DELETE /admin/tokens']?.[400]?.content?.['application/json']?.examples
  t.same(await asked('DELETE', `/admin/tokens?${future}`), Object.values<any>(pruning ?? {})[1]?.value)
  const post = async (payload: string, type = 'application/json') => (await app.inject({
    method: 'POST', url: '/admin/users', payload, headers: { 'x-admin-api-key': adminKey, 'content-type': type }
  })).json()
  await post('{"email":"a@b"}')
  t.same(await post('{"email":"a@b"}'), example('POST /admin/users', 409))
  t.same(await post(`"${'x'.repeat(2 ** 18)}"`), example('POST /admin/users', 413))
  t.match(await post('a', 'text/plain'), {
    ...example('POST /admin/users', 415) as object, message: /Unsupported Media Type/
  })
})

t.test('OpenAPI: a status with several errors has an example of each', async (t) => {
  const { app, operations } = await documented(t)
  const { tokens, users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  await tokens.create('user-1')
  await tokens.rotate('token-1', { grace_period: 60 })
  const { responses } = operations.find(({ name }) => name === 'POST /admin/tokens/{id}/rotate') as Operation
  const examples = Object.values<any>(responses[409]?.content?.['application/json']?.examples ?? {})
    .map(({ value }) => value)
  t.same(examples.map(({ code }) => code.replace('VEXA_ADMIN_ERR_TOKEN_', '')), ['EXPIRED', 'ROTATED', 'REFERENCED'])
  const reply = await app.inject({
    method: 'POST', url: '/admin/tokens/token-1/rotate', headers: { 'x-admin-api-key': adminKey }
  })
  t.same(reply.json(), JSON.parse(JSON.stringify(examples[1]).replace('token-124', 'token-2')))
})

t.test('OpenAPI: the document has the security schemes of the plugin and of the app', async (t) => {
  const { document, operations } = await documented(t, {}, (app) => {
    app.get('/me', {
      onRequest: app.vexaAdmin.requireToken(), schema: { security: [{ apiToken: [] }, { bearerToken: [] }] }
    }, async (request) => request.apiUser)
    app.get('/public', async () => 'hello')
  })
  t.same(Object.keys(document.components.securitySchemes), ['adminKey', 'apiToken', 'bearerToken', 'session'])
  const security = Object.fromEntries(operations.map(({ name, security }) => [name, security]))
  t.same(security['GET /me'], [{ apiToken: [] }, { bearerToken: [] }])
  t.equal(security['GET /public'], undefined)
  t.same(security['GET /admin/users'], [{ adminKey: [] }])
})

t.test('OpenAPI: the document has the status for a taken address', async (t) => {
  const statuses = async (duplicateEmail: 'reject' | 'return') => Object.keys((await documented(t, {
    duplicateEmail
  })).operations.find(({ operationId }) => operationId === 'adminCreateUser')?.responses ?? {})
  t.same((await statuses('reject')).filter((status) => ['200', '409'].includes(status)), ['409'])
  t.same((await statuses('return')).filter((status) => ['200', '409'].includes(status)), ['200'])
})

t.test('OpenAPI: the document has the audit trail only with the option `audit`', async (t) => {
  const pathsWith = async (audit: boolean) => Object.keys((await documented(t, { audit })).document.paths)
  t.same((await pathsWith(true)).filter((path) => path.includes('audit')), ['/admin/audit'])
  t.same((await pathsWith(false)).filter((path) => path.includes('audit')), [])
})

t.test('OpenAPI: the routes for OAuth clients accept JSON and forms', async (t) => {
  const { document } = await documented(t)
  for (const [path, id] of [['introspect', 'adminIntrospectToken'], ['revoke', 'adminRevokeTokenByValue']]) {
    const { operationId, requestBody } = document.paths[`/admin/${path}`]?.post as any
    t.equal(operationId, id)
    t.same(Object.keys(requestBody.content), ['application/json', 'application/x-www-form-urlencoded'])
  }
})

t.test('OpenAPI: the document has the longest lifetime of a token', async (t) => {
  const bodyWith = async (options: Partial<VexaAdminOptions>) =>
    ((await documented(t, options)).document.components as any).schemas.CreateToken
  const limited = await bodyWith({ maxTokenLifetime: 3600 })
  t.match(limited.properties.expires_in, { minimum: 1, maximum: 3600, description: /after 3600 seconds/ })
  t.equal(limited.examples[0].expires_in, 3600, 'the example is valid')
  t.match((await bodyWith({})).properties.expires_in, { maximum: 2147483647, description: /never expires/ })
})

t.test('OpenAPI: a choice of texts is an enum', async (t) => {
  const { document } = await documented(t, { scopes: ['bot', 'read'] })
  const text = JSON.stringify(document)
  const codes = ['NOT_FOUND', 'EXPIRED', 'TOKEN_DISABLED', 'DISABLED', 'INSUFFICIENT_SCOPE']
  for (const names of [['asc', 'desc'], codes, ['active', 'disabled', 'expired'], ['bot', 'read']]) {
    t.ok(text.includes(`"enum":${JSON.stringify(names)}`), names.join())
  }
})

t.test('OpenAPI: no operation has a security scheme when `authorize` is given', async (t) => {
  const { operations, shown } = await documented(t, { authorize: () => true })
  t.equal(operations.length, shown.length)
  t.ok(operations.every(({ security }) => security === undefined))
})

t.test('OpenAPI: the document has no route when `hide` is true', async (t) => {
  const { app, operations } = await documented(t, { hide: true })
  t.same(operations, [])
  t.equal((await app.inject({ url: '/admin/users', headers: { 'x-admin-api-key': adminKey } })).statusCode, 200)
})

t.test('OpenAPI: two registrations have different operation ids', async (t) => {
  const { operations, shown } = await documented(t, {}, (app) => {
    app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, prefix: '/internal/admin', storage: emptyStorage(t) })
    })
  })
  t.same(operations.map(({ name }) => name).sort(), shown.sort())
  t.ok(operations.some(({ name, operationId }) => name === 'GET /admin/users' && operationId === 'adminListUsers'))
  t.ok(operations.some(({ name, operationId }) =>
    name === 'GET /internal/admin/users' && operationId === 'internalAdminListUsers'))
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, shown.length)
})

interface AppOptions {
  swagger?: FastifyDynamicSwaggerOptions
  plugin?: Partial<VexaAdminOptions>
  before?: (app: FastifyInstance) => unknown
  after?: (app: FastifyInstance) => unknown
}

/** Returns the document of an app, and checks its version, its references and the uniqueness of its names. */
async function documentOf (t: Test, options: AppOptions): Promise<Record<string, any>> {
  const { swagger: swaggerOptions = {}, plugin = {}, before, after } = options
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, swaggerOptions)
  await before?.(app)
  await app.register(vexaAdmin, {
    ...(plugin.authorize ? {} : { adminKeys: adminKey }), storage: emptyStorage(t), ...plugin
  })
  await after?.(app)
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  const { valid, errors } = await validator.validate(structuredClone(document))
  t.ok(valid, JSON.stringify(errors))
  const names = [
    ...JSON.stringify(document).matchAll(/"\$ref":"#\/(?:components\/schemas|definitions)\/([^"]+)"/g)
  ].map(([, name = '']) => name)
  t.same(names.filter((name) => !(name in (document.components?.schemas ?? document.definitions))), [])
  const operationIds = Object.values<Record<string, any>>(document.paths).flatMap((path) => Object.values(path))
    .flatMap(({ operationId = [] }) => operationId)
  t.equal(new Set(operationIds).size, operationIds.length, 'operationIds are unique')
  t.same(
    [...app.swagger({ yaml: true }).matchAll(/operationId: (\S+)/g)].map(([, id]) => id).sort(), operationIds.sort(),
    'the YAML has the same ids'
  )
  return document
}

const listOf = (document: Record<string, any>) => document.paths['/admin/users'].get
const info = { title: 'App', version: '1' }
const ours = { type: 'apiKey', in: 'header', name: 'X-Admin-API-Key', description: 'One of the admin keys of the app.' }
const versions: Record<string, (more?: object) => FastifyDynamicSwaggerOptions> = {
  'OpenAPI 3.0': (more) => ({ openapi: { info, ...more } }),
  'OpenAPI 3.1': (more) => ({ openapi: { openapi: '3.1.0', info, ...more } }),
  'Swagger 2.0': () => ({ swagger: { info } })
}

for (const [version, options] of Object.entries(versions)) {
  t.test(`OpenAPI: the document is valid when it is ${version}`, async (t) => {
    const schemesOf = (document: Record<string, any>) =>
      document.components?.securitySchemes ?? document.securityDefinitions
    const bare = await documentOf(t, { swagger: options(), plugin: { scopes: ['bot'], audit: true } })
    t.same(schemesOf(bare), { adminKey: ours })
    t.same(listOf(bare).security, [{ adminKey: [] }])
    const named = Object.keys(bare.components?.schemas ?? bare.definitions)
    t.same(named.sort(), [
      'AuditEntry', 'CreateToken', 'CreateUser', 'ErrorReply', 'FoundToken', 'IntrospectToken', 'Introspection',
      'PrunedTokens', 'RevokeTokenByValue', 'RotateToken', 'Settings', 'Token', 'UpdateToken', 'UpdateUser', 'User',
      'UserData', 'UserWithTokens', 'Verification', 'VerifyToken'
    ])

    for (const plugin of [{ authorize: () => true }, { hide: true }]) {
      t.notOk(schemesOf(await documentOf(t, { swagger: options(), plugin })))
    }
    t.same(Object.keys((await documentOf(t, { swagger: options(), plugin: { hide: true } })).paths), [])
    const withHead = await documentOf(t, {
      swagger: { ...options(), exposeHeadRoutes: true } as FastifyDynamicSwaggerOptions
    })
    t.match(withHead.paths['/admin/users'].head, { operationId: 'adminListUsersHead', security: [{ adminKey: [] }] })
    t.equal(Object.keys((await documentOf(t, { swagger: { ...options(), hideUntagged: true } })).paths).length, 12)
  })
}

t.test('OpenAPI: null, constants and unions have the form of each version', async (t) => {
  const spelt = async (version: string) => {
    const document = await documentOf(t, { swagger: versions[version]?.() as FastifyDynamicSwaggerOptions })
    const { User, Verification } = document.components?.schemas ?? document.definitions
    return {
      name: User.properties.name,
      id: User.properties.id,
      verification: Verification,
      deleted: document.paths['/admin/users/{id}'].delete.responses[204]
    }
  }
  const description = 'null if the user has no name.'
  const is30 = await spelt('OpenAPI 3.0')
  t.same(is30.name, { type: 'string', nullable: true, example: 'John Doe', description })
  t.same(is30.id, { type: 'string', example: 'user-123' })
  t.same(is30.verification.anyOf.map(({ properties }: { properties: object }) => properties), [
    {
      valid: { type: 'boolean', enum: [true] },
      user: { $ref: '#/components/schemas/User' },
      token: { $ref: '#/components/schemas/Token' }
    },
    { valid: { type: 'boolean', enum: [false] }, code: is30.verification.anyOf[1].properties.code }
  ])
  const is31 = await spelt('OpenAPI 3.1')
  t.same(is31.name, { anyOf: [{ type: 'string' }, { type: 'null' }], examples: ['John Doe'], description })
  t.same(is31.id, { type: 'string', examples: ['user-123'] })
  const is2 = await spelt('Swagger 2.0')
  t.same(is2.name, { type: 'string', 'x-nullable': true, example: 'John Doe', description })
  t.same(is2.verification, { type: 'object' })
  for (const { deleted } of [is30, is31, is2]) t.same(deleted, { description: 'Deleted' })
})

t.test('OpenAPI: the security schemes of the app stay', async (t) => {
  const jwt = { type: 'http', scheme: 'bearer' }
  const ownKey = { type: 'apiKey', in: 'header', name: 'x-admin-api-key' }
  for (const [given, scheme, all] of [
    [{ jwt, none: undefined }, 'adminKey', { jwt, adminKey: ours }],
    [{ jwt, key: ownKey }, 'key', { jwt, key: ownKey }],
    [{ adminKey: jwt }, 'adminAdminKey', { adminKey: jwt, adminAdminKey: ours }],
    [
      { adminKey: jwt, adminAdminKey: jwt, adminAdminKey2: jwt }, 'adminAdminKey3',
      { adminKey: jwt, adminAdminKey: jwt, adminAdminKey2: jwt, adminAdminKey3: ours }
    ]
  ] as Array<[any, string, object]>) {
    const components = { securitySchemes: { ...given } }
    const document = await documentOf(t, {
      swagger: versions['OpenAPI 3.1']?.({
        components, security: [{ [Object.keys(given)[0] as string]: [] }]
      }) as FastifyDynamicSwaggerOptions
    })
    t.same(document.components.securitySchemes, all)
    t.same(listOf(document).security, [{ [scheme]: [] }])
    t.same(components, { securitySchemes: given }, 'the options of the app stay as they are')
  }
  const securityDefinitions = { key: { type: 'apiKey', in: 'query', name: 'X-Admin-API-Key' } } as const
  t.same((await documentOf(t, { swagger: { swagger: { info, securityDefinitions } } })).securityDefinitions, {
    ...securityDefinitions, adminKey: ours
  })
})

t.test('OpenAPI: the app keeps its names when it has the same ones as the plugin', async (t) => {
  const User = { type: 'object', properties: { login: { type: 'string' } } } as const
  const list = {
    operationId: 'adminListUsers', tags: ['Users'], response: { 200: { type: 'array', items: { $ref: 'User#' } } }
  }
  const same = {
    'components of the document': { openapi: { info, components: { schemas: { User } } } },
    'schemas of the app': { openapi: { info }, refResolver: { buildLocalReference: ({ $id }: { $id: string }) => $id } }
  }
  for (const [what, swagger] of Object.entries(same)) {
    const document = await documentOf(t, {
      swagger: swagger as FastifyDynamicSwaggerOptions,
      before: (app) => {
        app.addSchema({ $id: 'User', ...User })
        app.get('/users', { schema: list }, async () => [])
      },
      // The names of scopes differ, so that the bodies differ, too.
      after: (app) => app.register(async (scope) => scope.register(vexaAdmin, {
        adminKeys: adminKey, prefix: '/other-admin', scopes: ['bot'], storage: emptyStorage(t)
      }))
    })
    const { schemas } = document.components
    t.match(schemas.User, User, what)
    t.equal(
      listOf(document).responses[200].content['application/json'].schema.items.$ref, '#/components/schemas/AdminUser'
    )
    t.ok(schemas.AdminUser.properties.email)
    t.same(schemas.UserWithTokens.properties.email, schemas.AdminUser.properties.email)
    t.equal(listOf(document).operationId, 'adminListUsers2')
    t.ok(schemas.OtherAdminCreateToken.properties.scopes)
    t.notOk(schemas.CreateToken.properties.scopes)
  }
})

t.test('OpenAPI: the app keeps an operation id that it gives to a later route', async (t) => {
  for (const swagger of [{ openapi: { info } }, { swagger: { info } }]) {
    const own = {
      operationId: 'adminListUsers',
      response: { 200: { description: 'Names', type: 'array', items: { type: 'string' } } }
    }
    const document = await documentOf(t, { swagger, after: (app) => app.get('/own', { schema: own }, async () => []) })
    t.equal(document.paths['/own'].get.operationId, 'adminListUsers')
    t.equal(listOf(document).operationId, 'adminListUsers2')
  }
})

t.test('OpenAPI: names stay when the app gives `paths` and asks for the document twice', async (t) => {
  const paths = {
    '/static': { get: { operationId: 'adminGetUser', responses: { 200: { description: 'A file' } } } },
    '/none': undefined
  }
  const document = await documentOf(t, { swagger: { openapi: { info, paths, servers: [{ url: '/admin' }] } as never } })
  t.equal(document.paths['/users'].get.operationId, 'adminListUsers')
  t.equal(document.paths['/users/{id}'].get.operationId, 'adminGetUser2')
})

t.test('OpenAPI: the document is valid when the app has the transforms of Zod', async (t) => {
  for (const transform of [jsonSchemaTransform, createJsonSchemaTransform({})]) {
    for (const plugin of [{}, { hide: true }]) {
      const User = z.object({ login: z.string() }).meta({ id: 'User' })
      const document = await documentOf(t, {
        plugin,
        swagger: {
          openapi: { openapi: '3.1.0', info },
          transform,
          transformObject: jsonSchemaTransformObject,
          exposeHeadRoutes: true
        } as FastifyDynamicSwaggerOptions,
        before: (app) => app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler),
        after: (app) => app.get('/login', { schema: { response: { 200: User } } }, async () => ({ login: 'x' }))
      })
      z.globalRegistry.remove(User)
      t.same(document.paths['/login'].get.responses[200].content['application/json'].schema, {
        $ref: '#/components/schemas/User'
      })
      t.ok(document.components.schemas.User.properties.login)
      if (plugin.hide) t.notOk(document.paths['/admin/users'])
      else {
        const { items } = listOf(document).responses[200].content['application/json'].schema
        t.equal(items.$ref, '#/components/schemas/AdminUser')
      }
    }
  }
})

t.test('OpenAPI: operations are unique and complete when the app has prefixes', async (t) => {
  const mounted = (prefix: string, plugin: Partial<VexaAdminOptions>) => async (app: FastifyInstance) => {
    await app.register(async (scope) =>
      scope.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), ...plugin }), { prefix })
  }
  const document = await documentOf(t, {
    swagger: { openapi: { info } },
    after: async (app) => {
      await mounted('/:tenant(^\\d+$)', {})(app)
      await mounted('/é', { prefix: '' })(app)
      await mounted('/v1', { prefix: '/other.admin' })(app)
      await mounted('/v1', { prefix: '/other-admin' })(app)
    }
  })
  const parameters = (path: string) =>
    document.paths[path].get.parameters.filter((parameter: any) => parameter.in === 'path').map(({ name }: any) => name)
  t.same(parameters('/{tenant}/admin/users'), ['tenant'])
  t.same(parameters('/{tenant}/admin/users/{id}'), ['tenant', 'id'])
  t.equal(document.paths['/{tenant}/admin/users'].get.operationId, 'tenantDAdminListUsers')
  t.equal(document.paths['/é/users'].get.operationId, 'vexaAdminListUsers')
  t.equal(document.paths['/v1/other.admin/users'].get.operationId, 'v1OtherAdminListUsers')
  t.equal(document.paths['/v1/other-admin/users'].get.operationId, 'v1OtherAdminListUsers2')
})

t.test('OpenAPI: additions by a hook of the app stay', async (t) => {
  const document = await documentOf(t, {
    swagger: {
      openapi: { info, components: { securitySchemes: { mtls: { type: 'apiKey', in: 'header', name: 'x-cert' } } } }
    },
    before: (app) => app.addHook('onRoute', (route) => {
      const schema = route.schema as { response: object }
      route.schema = Object.assign(schema, {
        security: [{ mtls: [] }],
        response: {
          ...schema.response,
          429: {
            type: 'object', description: 'Too many', properties: { wait: { type: 'integer' } }
          }
        }
      })
    })
  })
  t.same(listOf(document).security, [{ mtls: [] }])
  t.equal(listOf(document).responses[429].description, 'Too many')
  t.match(listOf(document).responses[200].content['application/json'].schema, { type: 'array' })
})

t.test('OpenAPI: the document has only routes of the app if the plugin came first', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  await app.register(swagger, { openapi: { info } })
  app.get('/hello', async () => 'hello')
  await app.ready()
  t.same(Object.keys(app.swagger().paths as object), ['/hello'])
})

t.test('OpenAPI: a document does not change the checks of requests and replies', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { swagger: { info } })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  await app.ready()
  app.swagger()
  t.match(errorReplies(UnauthorizedError), { 401: { headers: { 'www-authenticate': { description: /challenge/ } } } })
  const headers = { 'x-admin-api-key': adminKey }
  const created = await app.inject({
    method: 'POST', url: '/admin/users', payload: { email: 'a@example.com', name: null }, headers
  })
  t.match(created.json(), { id: 'user-1', name: null })
  t.equal((await app.inject({
    method: 'POST', url: '/admin/users', payload: { email: 'b@example.com', name: 1 }, headers
  })).statusCode, 400)
  const { token } = (await app.inject({ method: 'POST', url: '/admin/users/user-1/tokens', headers })).json()
  t.match((await app.inject({ method: 'POST', url: '/admin/tokens/verify', payload: { token }, headers })).json(), {
    valid: true, user: { id: 'user-1' }
  })
})

t.test('OpenAPI: sending an unedited example changes no existing user or token', async (t) => {
  const { app, document, operations } = await documented(t)
  const headers = { 'x-admin-api-key': adminKey }
  const state = async () => (await app.inject({ url: '/admin/users/user-1', headers })).json()
  await app.inject({
    method: 'POST', url: '/admin/users', payload: { email: 'user@example.com', name: 'John Doe' }, headers
  })
  await app.inject({ method: 'POST', url: '/admin/users/user-1/tokens', headers })
  const before = await state()
  const { schemas } = document.components as any
  for (const { name, operationId, parameters = [], requestBody } of operations as any[]) {
    const [method, path] = name.split(' ')
    const filled = parameters.reduce((url: string, { name, example }: any) =>
      url.replace(`{${name}}`, String(example)), path)
    const query = parameters.filter((parameter: any) => parameter.in === 'query' && parameter.required)
      .map(({ name, example }: any) => [name, example])
    const url = `${filled}?${new URLSearchParams(query)}`
    const reference = requestBody?.content['application/json'].schema.$ref
    const payload = reference && schemas[reference.split('/').at(-1)].examples[0]
    const { statusCode } = await app.inject({ method, url, headers, ...(payload && { payload }) })
    const expected: Record<string, number> = {
      adminGetSettings: 200,
      adminListUsers: 200,
      adminFindTokens: 200,
      adminPruneTokens: 200,
      adminGetUserByEmail: 200,
      adminVerifyToken: 200,
      adminCreateUser: 409,
      adminIntrospectToken: 200,
      adminRevokeTokenByValue: 200
    }
    t.equal(statusCode, expected[operationId] ?? 404, name)
  }
  t.same(await state(), before)
  // On an existing user and token, too.
  for (const [url, schema] of [['/admin/users/user-1', 'UpdateUser'], ['/admin/tokens/token-1', 'UpdateToken']]) {
    const payload = schemas[schema as string].examples[0]
    t.equal((await app.inject({ method: 'PATCH', url, payload, headers })).statusCode, 200)
  }
  t.same(await state(), before)
})

t.test('examples/openapi.json: the document and its types are up to date', async (t) => {
  const generator = run(t, 'examples/openapi.ts')
  t.equal(await generator.exit, 0)
  t.equal(generator.output(), readFileSync(`${root}examples/openapi.json`, 'utf8'), 'npm run openapi')
  const types = astToString(await openapiTypes(JSON.parse(generator.output())))
  t.ok(readFileSync(`${root}examples/openapi-types.ts`, 'utf8').includes(types), 'npm run openapi')
})

t.test('examples/typed-client.ts: works against the standalone program', async (t) => {
  const server = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: adminKey, PORT: '0' } })
  const url = JSON.parse(await server.line(/Server listening/)).msg.replace('Server listening at ', '')
  const client = run(t, 'examples/typed-client.ts', { args: [url], env: { ADMIN_API_KEY: adminKey } })
  t.same(JSON.parse(await client.line(/^{/)), { created: 'user-1', valid: true, newest: true })
  t.equal(await client.exit, 0)
})
