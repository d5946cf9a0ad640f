// An app with routes of its own, and the admin API under /internal/admin:
//   ADMIN_API_KEY=$(openssl rand -hex 32) npx tsx examples/host-app.ts
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const app = Fastify({ logger: true })

await app.register(vexaAdmin, {
  adminKeys: process.env.ADMIN_API_KEY,
  prefix: '/internal/admin'
})

// The plugin guards its own routes, and leaves the app's alone.
app.get('/', async () => ({ hello: 'world' }))

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
