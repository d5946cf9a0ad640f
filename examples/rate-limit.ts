// An app with two limits. The first limit counts the requests of each address, before the app checks a key or token.
// The second limit counts the requests with each token, from all addresses together. The app reads MAX_PER_MINUTE (for
// an address), MAX_PER_TOKEN, ADMIN_API_KEY and PORT from the environment.
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'

const { ADMIN_API_KEY, MAX_PER_MINUTE, MAX_PER_TOKEN, PORT } = process.env
// If the app runs behind a proxy, set `trustProxy`. Otherwise the first limit counts all clients as one address.
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

// The first limit is a hook of the app, which is added before the plugin. Without `global: false`, @fastify/rate-limit
// adds a limit to each route. Such a limit runs after the plugin's check of the key, and does not count rejected
// requests.
await app.register(rateLimit, { global: false })
app.addHook('onRequest', app.rateLimit({ max: Number(MAX_PER_MINUTE || 300), timeWindow: '1 minute' }))

await app.register(vexaAdmin, { adminKeys: ADMIN_API_KEY })

// The guarded routes need a second registration of @fastify/rate-limit, because one registration limits a request only
// once.
await app.register(async (guarded) => {
  guarded.addHook('onRequest', guarded.vexaAdmin.requireToken())
  // The second limit runs after the hook above, which sets `apiToken`. The limit uses the id of the token and not the
  // value. The store of the limit, such as Redis, must not contain values.
  await guarded.register(rateLimit, {
    max: Number(MAX_PER_TOKEN || 60),
    timeWindow: '1 minute',
    keyGenerator: (request) => request.apiToken.id
  })

  guarded.get('/me', async (request) => request.apiUser)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
