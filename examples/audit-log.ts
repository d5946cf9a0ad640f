// An app that logs each change and each rejected request as a line of JSON:
//   ADMIN_API_KEY=$(openssl rand -hex 32) AUDIT_LOG=audit.log npx tsx examples/audit-log.ts
import { subscribe } from 'node:diagnostics_channel'
import Fastify from 'fastify'
import { destination, pino } from 'pino'
import vexaAdmin, { auditEvents } from 'fastify-vexa-admin'

// Lines are written synchronously, so that each line is in the file before the reply is sent.
const file = destination({ dest: process.env.AUDIT_LOG || 'audit.log', append: true, sync: true })
const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)

// Subscribe before or after the registration. The channels carry the events of all registrations in this process.
for (const event of auditEvents) subscribe(event, (message) => log.info({ event, ...message as object }))

const app = Fastify({ logger: true, keepAliveTimeout: 5000 })
await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

await app.listen({ host: process.env.HOST || '127.0.0.1', port: Number(process.env.PORT || 3000) })
