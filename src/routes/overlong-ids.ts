import type { FastifyPluginAsync, FastifySchema, HTTPMethods } from 'fastify'
import { TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { needs } from '../hooks/require-permission.js'
import type { Permission } from '../schemas/permissions.js'
import { errorReplies, readErrors } from '../schemas/error-replies.js'

type OverlongIdRoute = readonly [
  url: string, permission: Permission, NotFoundError: typeof UserNotFoundError | typeof TokenNotFoundError,
  ...methods: HTTPMethods[]
]

const routes: readonly OverlongIdRoute[] = [
  ['/users/*', 'read', UserNotFoundError, 'GET', 'HEAD'],
  ['/users/*', 'users', UserNotFoundError, 'DELETE', 'PATCH', 'PUT'],
  // The only POST to a path that begins with `/users/` creates a token.
  ['/users/*', 'tokens', UserNotFoundError, 'POST'],
  ['/tokens/*', 'read', TokenNotFoundError, 'GET', 'HEAD'],
  ['/tokens/*', 'tokens', TokenNotFoundError, 'DELETE', 'PATCH', 'POST']
]

/**
 * Registers routes that return 404 for an id that is longer than the router allows. No other route matches such an id,
 * and no user or token has such an id.
 */
export const overlongIdRoutes: FastifyPluginAsync = async (fastify) => {
  const { maxParamLength = 100 } = { ...fastify.initialConfig, ...fastify.initialConfig.routerOptions }
  for (const [url, permission, NotFoundError, ...method] of routes) {
    fastify.route<{ Params: { '*': string } }>({
      method,
      url,
      config: needs(permission),
      schema: { hide: true, response: errorReplies(...readErrors, NotFoundError) } as FastifySchema,
      handler: async (request, reply) => {
        const [id = ''] = request.params['*'].split('/')
        if (id.length > maxParamLength) throw new NotFoundError()
        return reply.callNotFound()
      }
    })
  }
}
