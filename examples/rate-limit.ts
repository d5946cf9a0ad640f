// Two limits: how often one address may ask, before anything is checked, and how often one token may be used, wherever it is used from.
// MAX_PER_MINUTE (for an address), MAX_PER_TOKEN, ADMIN_API_KEY and PORT come from the environment.
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const { ADMIN_API_KEY, MAX_PER_MINUTE, MAX_PER_TOKEN, PORT } = process.env
// Behind a proxy, set `trustProxy`, or everybody has the proxy's address.
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

// A hook of the app, before the plugin is registered: the limits that @fastify/rate-limit sets for each route come after the plugin's
// own check of the key, and never see who is refused.
await app.register(rateLimit, { global: false })
app.addHook('onRequest', app.rateLimit({ max: Number(MAX_PER_MINUTE || 300), timeWindow: '1 minute' }))

await app.register(vexaAdmin, { adminKeys: ADMIN_API_KEY })

// The routes behind a token. They need a second registration, because one registration limits a request only once, and that was by its address.
await app.register(async (guarded) => {
  guarded.addHook('onRequest', guarded.vexaAdmin.requireToken())
  // This limit runs after the hook above, which sets `apiToken`. The id is the key, not the value: a store such as Redis must not hold tokens.
  await guarded.register(rateLimit, {
    max: Number(MAX_PER_TOKEN || 60),
    timeWindow: '1 minute',
    keyGenerator: (request) => request.apiToken.id
  })

  guarded.get('/me', async (request) => request.apiUser)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
