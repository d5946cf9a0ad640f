import type { FastifyPluginCallback, FastifySchema } from 'fastify'
import { TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { errorReplies, reading } from '../schemas/error-replies.js'

/** An id that is longer than the router lets a parameter be reaches no route above, and is nobody's: 404, as for any other. */
export const overlongIdRoutes: FastifyPluginCallback = (fastify, _options, done) => {
  const { maxParamLength = 100 } = { ...fastify.initialConfig, ...fastify.initialConfig.routerOptions }
  for (const [url, NotFoundError] of [['/users/*', UserNotFoundError], ['/tokens/*', TokenNotFoundError]] as const) {
    fastify.route<{ Params: { '*': string } }>({
      method: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST'],
      url,
      schema: { hide: true, response: errorReplies(...reading, NotFoundError) } as FastifySchema,
      handler: async (request, reply) => {
        const [id = ''] = request.params['*'].split('/')
        if (id.length > maxParamLength) throw new NotFoundError()
        return reply.callNotFound()
      }
    })
  }
  done()
}
