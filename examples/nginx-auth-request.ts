// An app that tells nginx whether a request has a valid token, so that nginx can guard services in any language.
// nginx-auth-request.conf is the configuration of nginx:
//   ADMIN_API_KEY=$(openssl rand -hex 32) npx tsx examples/nginx-auth-request.ts
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const app = Fastify({ logger: true, keepAliveTimeout: 5000 })
await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })

// If the reply of this route is 204, nginx passes the request on. If the reply is 401 or 403, nginx returns this status
// to the client.
app.get('/check', { onRequest: app.vexaAdmin.requireToken(), logLevel: 'warn' }, async (request, reply) => {
  return reply.code(204).header('x-user-id', request.apiUser.id).send()
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
