import type { FastifyPluginCallback, FastifySchema } from 'fastify'
import { TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { errorReplies, readErrors } from '../schemas/error-replies.js'

const routes = [['/users/*', UserNotFoundError], ['/tokens/*', TokenNotFoundError]] as const

/**
 * Registers routes that return 404 for an id that is longer than the router allows. No other route matches such an id,
 * and no user or token has one.
 */
export const overlongIdRoutes: FastifyPluginCallback = (fastify, _options, done) => {
  const { maxParamLength = 100 } = { ...fastify.initialConfig, ...fastify.initialConfig.routerOptions }
  for (const [url, NotFoundError] of routes) {
    fastify.route<{ Params: { '*': string } }>({
      method: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST'],
      url,
      schema: { hide: true, response: errorReplies(...readErrors, NotFoundError) } as FastifySchema,
      handler: async (request, reply) => {
        const [id = ''] = request.params['*'].split('/')
        if (id.length > maxParamLength) throw new NotFoundError()
        return reply.callNotFound()
      }
    })
  }
  done()
}
