import { Type, type FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { errorReplies } from '../schemas/atoms.js'
import { TokenParams } from '../schemas/tokens.js'
import type { RouteOptions } from './index.js'

export const tokenRoutes: FastifyPluginCallbackTypebox<RouteOptions> = (fastify, { tokens }, done) => {
  fastify.delete('/tokens/:id', {
    schema: {
      summary: 'Revoke a token',
      params: TokenParams,
      response: { 204: Type.Null({ description: 'Revoked' }), ...errorReplies(401, 404, 503) }
    }
  }, async (request, reply) => {
    await tokens.revoke(request.params.id)
    return reply.code(204).send(null)
  })

  done()
}
