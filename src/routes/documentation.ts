import type { FastifyInstance } from 'fastify'

/** What OpenAPI documents say of every route besides its own schema. */
export interface Documented {
  hide: boolean
  security: Array<Record<string, string[]>> | undefined
}

export function documentRoutes (fastify: FastifyInstance, { hide, security }: Documented): void {
  // Names must be different in the whole of a document, which may have several of these.
  const suffix = fastify.prefix === '/admin' ? '' : `_${fastify.prefix.split(/\W+/).filter(Boolean).join('_')}`
  fastify.addHook('onRoute', ({ method, schema = {} }) => {
    if (hide) Object.assign(schema, { hide: true })
    // HEAD shares the schema of GET.
    else if (method !== 'HEAD' && 'operationId' in schema) Object.assign(schema, { operationId: `${String(schema.operationId)}${suffix}`, security })
  })
}
