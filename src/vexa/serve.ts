import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, onRequestAsyncHookHandler } from 'fastify'
import { DetailError } from './detail-error.js'

const methods = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'] as const

/** One method of a path. */
interface Operation {
  /** The hook that authenticates the client. */
  guard: onRequestAsyncHookHandler
  /** Largest size of a body, in bytes. @default enough for the largest `data` */
  bodyLimit?: number
  /** Returns the body of the reply. */
  reply (request: FastifyRequest<RouteTypes>, reply: FastifyReply): Promise<unknown>
}

/** A path has some of these parameters. */
interface RouteTypes {
  Params: { user_id: string, token_id: string, '*': string }
  Querystring: Record<string, unknown>
}

/** A path of Vexa with its methods. */
export type Operations = { readonly [Method in typeof methods[number]]?: Operation }

// A body has at most one `data` of a user. The largest `maxDataSize` fits, even if each character is escaped in six
// bytes. The guards run before the body is read.
const largestBody = 6 * 1024 * 1024 + 32 * 1024

const unlisted = () => ({ schema: { hide: true } as FastifySchema, config: { swaggerTransform: false } as object })

/**
 * Registers the methods of a path, with and without a slash at the end. The reply to each other method is 405. The
 * routes are not in OpenAPI documents, because Vexa's clients need none.
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
