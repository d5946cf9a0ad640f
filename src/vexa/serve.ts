import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, onRequestAsyncHookHandler } from 'fastify'
import { DetailError } from './detail-error.js'

const methods = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'] as const

/** One method of a path. */
interface Operation {
  /** The hook that authenticates the client. */
  guard: onRequestAsyncHookHandler
  /** Largest size of a body, in bytes. @default `largestBody` */
  bodyLimit?: number
  /** Returns the body of the reply. */
  reply (request: FastifyRequest<RouteTypes>, reply: FastifyReply): Promise<unknown>
}

/** The types of all parameters of Vexa's paths. Each path has only some of the parameters. */
interface RouteTypes {
  Params: { user_id: string, token_id: string, '*': string }
  Querystring: Record<string, unknown>
}

/** The operations of one path, by their methods. */
export type Operations = { readonly [Method in typeof methods[number]]?: Operation }

// In bytes. A body has at most one `data`. The largest `maxDataSize` fits, even if each character is an escape of six
// bytes. Only authenticated clients can send so much, because the guards run before the body is read.
const largestBody = 6 * 1024 * 1024 + 32 * 1024

const unlisted = () => ({ schema: { hide: true } as FastifySchema, config: { swaggerTransform: false } as object })

/**
 * Registers the operations of a path, with and without a slash at the end of the path. The reply to a request with any
 * other method is 405. OpenAPI documents omit these routes, because Vexa's clients need no document.
 */
export function serve (fastify: FastifyInstance, path: string, operations: Operations): void {
  const { ignoreTrailingSlash = false } = { ...fastify.initialConfig, ...fastify.initialConfig.routerOptions }
  const allowed = methods.filter((method) => method in operations)
  const rejectMethod = async (_request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', allowed.join(', '))
    throw new DetailError(405, 'Method Not Allowed')
  }
  for (const url of ignoreTrailingSlash || path.endsWith('*') ? [path] : [path, `${path}/`]) {
    for (const method of allowed) {
      const { guard, bodyLimit = largestBody, reply: handler } = operations[method] as Operation
      fastify.route<RouteTypes>({ method, url, ...unlisted(), bodyLimit, onRequest: guard, handler })
    }
    const method = methods.filter((method) => !allowed.includes(method))
    fastify.route({ method, url, ...unlisted(), onRequest: rejectMethod, handler: rejectMethod })
  }
}
