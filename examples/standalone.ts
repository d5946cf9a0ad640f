// The admin API alone, with nothing to configure: npm start
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'

const { ADMIN_API_KEY, DATABASE_FILE, HOST, PORT } = process.env
const adminKey = ADMIN_API_KEY || randomBytes(24).toString('base64url')

// A stop waits for connections that were busy when it began, for as long as they may idle: 72 seconds, if Fastify is not told.
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })
await app.register(vexaAdmin, {
  adminKeys: adminKey,
  storage: sqliteStorage({ filename: DATABASE_FILE || 'vexa-admin.db' })
})

// Answers what is under way, then closes the database.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

const address = await app.listen({ host: HOST || '127.0.0.1', port: Number(PORT || 3000) })

if (!ADMIN_API_KEY) {
  console.log(`
ADMIN_API_KEY is not set, so this run has a key of its own: ${adminKey}
Create a user with it:

curl -X POST ${address}/admin/users -H 'X-Admin-API-Key: ${adminKey}' -H 'Content-Type: application/json' -d '{"email": "user@example.com", "name": "John Doe"}'
`)
}
