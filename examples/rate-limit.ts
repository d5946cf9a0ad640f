// How often one address may ask, before anything is checked: guessing keys gets nobody anywhere, but need not be free. MAX_PER_MINUTE, ADMIN_API_KEY and PORT come from the environment.
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const { ADMIN_API_KEY, MAX_PER_MINUTE, PORT } = process.env
// Behind a proxy, set `trustProxy`, or everybody has the proxy's address.
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

// A hook of the app, before the plugin is registered: the limits that @fastify/rate-limit sets for each route come after the plugin's
// own check of the key, and never see who is refused.
await app.register(rateLimit, { global: false })
app.addHook('onRequest', app.rateLimit({ max: Number(MAX_PER_MINUTE || 300), timeWindow: '1 minute' }))

await app.register(vexaAdmin, { adminKeys: ADMIN_API_KEY })

app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
