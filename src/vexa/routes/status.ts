import type { FastifyInstance, FastifySchema } from 'fastify'

const replies = {
  '/': { message: 'Vexa Admin API' },
  '/health': { status: 'ok', service: 'admin-api' }
}

/**
 * Registers the two routes by which deployments of Vexa check that the process runs. These routes need no key. If the
 * app already has a route with one of these paths, the route of the app stays.
 */
export function statusRoutes (fastify: FastifyInstance): void {
  for (const [url, body] of Object.entries(replies)) {
    if (fastify.hasRoute({ method: 'GET', url: fastify.prefix + url })) continue
    fastify.get(url, { schema: { hide: true } as FastifySchema, config: { swaggerTransform: false } as object },
      async () => body)
  }
}
