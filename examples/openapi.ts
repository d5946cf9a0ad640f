// Prints the OpenAPI document of the admin API: npx tsx examples/openapi.ts > openapi.json
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import vexaAdmin, { securitySchemes, sqliteStorage } from 'fastify-vexa-admin'

const app = Fastify()
await app.register(swagger, {
  openapi: {
    openapi: '3.1.0',
    info: { title: 'Users and API tokens', version: '1', license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    components: { securitySchemes: { adminKey: securitySchemes.adminKey } }
  }
})
await app.register(vexaAdmin, {
  adminKeys: 'no-request-is-ever-made',
  storage: sqliteStorage({ filename: ':memory:' }),
  audit: true
})
await app.ready()

interface Document { paths: Record<string, { post?: { requestBody?: { required?: boolean } } }> }
const document = app.swagger() as Document
// @fastify/swagger marks every body as required, but requests to these two routes may leave out the body.
for (const path of ['/admin/users/{id}/tokens', '/admin/tokens/{id}/rotate']) {
  const body = document.paths[path]?.post?.requestBody
  if (body) body.required = false
}
console.log(JSON.stringify(document, null, 2))
await app.close()
