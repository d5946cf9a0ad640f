// An app that replaces the admin service of Vexa. Its clients are Vexa's gateway, terminal, dashboard and scripts:
//   export ADMIN_API_KEY=$(openssl rand -hex 32) ADMIN_API_TOKEN=$(openssl rand -hex 32)
//   INTERNAL_API_SECRET=$(openssl rand -hex 32) npx tsx examples/vexa.ts
import Fastify from 'fastify'
import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
import { vexaCompatibility } from 'fastify-vexa-admin/vexa'

const app = Fastify({ logger: true })

// The API of this package, for operators. Its path must not be /admin, because Vexa's clients use that path.
await app.register(vexaAdmin, {
  adminKeys: process.env.ADMIN_API_KEY,
  prefix: '/api/admin',
  storage: sqliteStorage({ filename: process.env.DATABASE_FILE || 'vexa-admin.db' }),
  scopes: ['bot', 'tx', 'browser'],
  tokenPrefix: ['vxa_bot_', 'vxa_tx_', 'vxa_browser_'],
  // Vexa's dashboard keeps 100 webhook deliveries in the `data` of a user. They take about 36 KiB.
  maxDataSize: 128 * 1024
})

// The API of Vexa's admin service. The environment variables have the names that Vexa gives them.
await app.register(vexaCompatibility, {
  adminKey: process.env.ADMIN_API_TOKEN,
  analyticsKey: process.env.ANALYTICS_API_TOKEN || undefined,
  internalSecret: process.env.INTERNAL_API_SECRET
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 8001) })
