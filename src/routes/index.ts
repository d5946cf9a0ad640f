import type { FastifyPluginCallback, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { CrossOriginError } from '../errors.js'
import { requestActor, adminScope } from '../hooks/require-admin.js'
import { isSafe } from '../hooks/same-origin.js'
import { schemaErrorFormatter, serializerCompiler, validatorCompiler } from '../schemas/compilers.js'
import { errorReplies } from '../schemas/error-replies.js'
import type { TokenRouteService } from '../services/tokens.js'
import type { UserRouteService } from '../services/users.js'
import { useJsonBodies } from './body-parser.js'
import { documentRoutes, type Documented } from './openapi-transform.js'
import { overlongIdRoutes } from './overlong-ids.js'
import { prepareError } from './prepare-error.js'
import { tokenRoutes } from './tokens.js'
import { userRoutes } from './users.js'

export interface RouteOptions {
  users: UserRouteService
  tokens: TokenRouteService
  scopes: readonly string[]
  duplicateEmail: 'reject' | 'return'
}

export interface AdminRoutesOptions extends RouteOptions {
  guard: onRequestHookHandler | onRequestAsyncHookHandler
  sameOrigin: onRequestHookHandler | undefined
  documented: Documented
}

/**
 * The guarded scope of the admin API. It brings everything that decides what its routes read and write, so that the
 * host's validators, serializers and parsers do not weaken them, and none of theirs reaches the host.
 */
export const adminRoutes: FastifyPluginCallback<AdminRoutesOptions> = (fastify, { guard, sameOrigin, documented, users, tokens, scopes, duplicateEmail }, done) => {
  documentRoutes(fastify, documented)
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
  fastify.decorate(adminScope, true)
  fastify.decorateRequest(requestActor, undefined)
  if (sameOrigin !== undefined) {
    // Before the host is asked, who may use up a session, or write its last use, for each time.
    fastify.addHook('onRequest', sameOrigin)
    fastify.addHook('onRoute', ({ method, schema }) => {
      if (![method].flat().every(isSafe)) Object.assign(schema?.response as object, errorReplies(CrossOriginError))
    })
  }
  fastify.addHook('onRequest', guard as onRequestHookHandler)
  fastify.addHook('preValidation', (request, _reply, next) => {
    // What is posted may be nothing at all where nothing is required. Fastify would have null validated in its place.
    if (request.method === 'POST' && request.body === undefined) request.body = {}
    next()
  })
  fastify.addHook('onError', prepareError)

  const options = { users, tokens, scopes, duplicateEmail }
  fastify.register(userRoutes, options)
  fastify.register(tokenRoutes, options)
  fastify.register(overlongIdRoutes)
  done()
}
