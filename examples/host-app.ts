// An app with routes of its own, and the admin API under /internal/admin:
//   ADMIN_API_KEY=$(openssl rand -hex 32) npx tsx examples/host-app.ts
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const app = Fastify({ logger: true })

await app.register(vexaAdmin, {
  adminKeys: process.env.ADMIN_API_KEY,
  prefix: '/internal/admin'
})

app.get('/', async () => ({ hello: 'world' }))

// The app's own code creates users and mints tokens without HTTP.
app.post<{ Body: { email: string } }>('/sign-up', async (request, reply) => {
  const user = await app.vexaAdmin.users.create({ email: request.body.email })
  const { token } = await app.vexaAdmin.tokens.create(user.id)
  return reply.code(201).send({ user, token })
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
