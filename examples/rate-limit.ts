// An app with two limits. The first counts the requests of each address, before any key or token is checked. The second
// counts the requests with each token, from any address.
// Reads MAX_PER_MINUTE (for an address), MAX_PER_TOKEN, ADMIN_API_KEY and PORT from the environment.
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const { ADMIN_API_KEY, MAX_PER_MINUTE, MAX_PER_TOKEN, PORT } = process.env
// If the app is behind a proxy, set `trustProxy`. Otherwise all clients have the proxy's address.
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

// This limit is a hook of the app, added before the plugin. The limits that @fastify/rate-limit sets for each route
// would run after the plugin's check of the key, and would not count rejected requests.
await app.register(rateLimit, { global: false })
app.addHook('onRequest', app.rateLimit({ max: Number(MAX_PER_MINUTE || 300), timeWindow: '1 minute' }))

await app.register(vexaAdmin, { adminKeys: ADMIN_API_KEY })

// The guarded routes need a second registration of the limit, because one registration limits a request only once.
await app.register(async (guarded) => {
  guarded.addHook('onRequest', guarded.vexaAdmin.requireToken())
  // This limit runs after the hook above, which sets `apiToken`.
  // It counts by the token's id, not by its value, because a store such as Redis must not hold tokens.
  await guarded.register(rateLimit, {
    max: Number(MAX_PER_TOKEN || 60),
    timeWindow: '1 minute',
    keyGenerator: (request) => request.apiToken.id
  })

  guarded.get('/me', async (request) => request.apiUser)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
