import type { FastifyPluginCallback, FastifySchema, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { StorageUnavailableError, TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { schemaErrorFormatter, serializerCompiler, validatorCompiler } from '../schemas/compilers.js'
import type { TokenService } from '../services/tokens.js'
import type { createUserService } from '../services/users.js'
import { useJsonBodies } from './body-parser.js'
import { tokenRoutes } from './tokens.js'
import { userRoutes } from './users.js'

export interface RouteOptions {
  users: ReturnType<typeof createUserService>
  tokens: TokenService
}

export interface AdminRoutesOptions extends RouteOptions {
  guard: onRequestHookHandler | onRequestAsyncHookHandler
}

/**
 * The guarded scope of the admin API. It brings everything that decides what its routes read and write, so that
 * no setting of the host weakens them, and none of theirs reaches the host.
 */
export const adminRoutes: FastifyPluginCallback<AdminRoutesOptions> = (fastify, { guard, users, tokens }, done) => {
  fastify.setValidatorCompiler(validatorCompiler)
  fastify.setSerializerCompiler(serializerCompiler)
  fastify.setSchemaErrorFormatter(schemaErrorFormatter)
  // None: with one of the host's, Fastify would pass by the response schemas.
  fastify.setReplySerializer(null as never)
  useJsonBodies(fastify)

  fastify.addHook('onRequest', (_request, reply, next) => {
    reply.header('cache-control', 'no-store')
    next()
  })
  fastify.addHook('onRequest', guard as onRequestHookHandler)
  fastify.addHook('onError', (_request, reply, error, next) => {
    if (error instanceof StorageUnavailableError) reply.header('retry-after', '1')
    // Whoever logs the error next need not log paths. Fastify's own errors about a request come with a stack.
    if (error.code?.startsWith('FST_')) delete error.stack
    next()
  })

  fastify.register(userRoutes, { users, tokens })
  fastify.register(tokenRoutes, { users, tokens })

  // What no route above takes: an id that has a slash in it, or is too long for the router's parameters. No such user or token either.
  for (const [url, NotFoundError] of [['/users/*', UserNotFoundError], ['/tokens/*', TokenNotFoundError]] as const) {
    fastify.route({
      method: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST'],
      url,
      schema: { hide: true } as FastifySchema,
      handler: async () => { throw new NotFoundError() }
    })
  }
  done()
}
