// An app that writes each change and each rejected request to a file, as a line of JSON:
//   ADMIN_API_KEY=$(openssl rand -hex 32) AUDIT_LOG=audit.log npx tsx examples/audit-log.ts
import { subscribe } from 'node:diagnostics_channel'
import Fastify from 'fastify'
import { destination, pino } from 'pino'
import vexaAdmin, { auditEvents } from 'fastify-vexa-admin'

// The log writes synchronously, so that the line of a change is in the file before the app sends the reply.
const file = destination({ dest: process.env.AUDIT_LOG || 'audit.log', append: true, sync: true })
const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)

// You may subscribe before or after the registration of the plugin. The channels carry the events of all registrations
// in this process.
for (const event of auditEvents) subscribe(event, (message) => log.info({ event, ...message as object }))

const app = Fastify({ logger: true, keepAliveTimeout: 5000 })
await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
