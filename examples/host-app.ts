// An app whose own routes need API tokens, with the admin API under /internal/admin:
//   ADMIN_API_KEY=$(openssl rand -hex 32) npx tsx examples/host-app.ts
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

await app.register(vexaAdmin, {
  adminKeys: process.env.ADMIN_API_KEY,
  prefix: '/internal/admin',
  scopes: ['bot']
})

// Anyone may sign up. The app creates the user and its token by calls in the process. If the address is taken, the
// reply is 409.
app.post<{ Body: { email: string } }>('/sign-up', {
  schema: { body: { type: 'object', required: ['email'], properties: { email: { type: 'string' } } } }
}, async (request, reply) => {
  const user = await app.vexaAdmin.users.create({ email: request.body.email })
  const { token } = await app.vexaAdmin.tokens.create(user.id, { name: 'sign-up' })
  return reply.code(201).send({ user, token })
})

// This route needs a valid token.
app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

// This route needs a token with the scope `bot`, and starts at most `max_concurrent_bots` bots for a user.
const running = new Map<string, number>()

app.post('/bots', { onRequest: app.vexaAdmin.requireToken({ scopes: ['bot'] }) }, async (request, reply) => {
  const { id, max_concurrent_bots: limit } = request.apiUser
  const bots = running.get(id) ?? 0
  if (bots >= limit) return reply.code(429).send({ message: `You have ${bots} of ${limit} bots running` })
  running.set(id, bots + 1)
  return reply.code(201).send({ bots: bots + 1, limit })
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
