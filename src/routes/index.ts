import type { FastifyPluginCallback, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { CrossOriginError } from '../errors.js'
import { requestActor, adminScope } from '../hooks/require-admin.js'
import { isSafe } from '../hooks/same-origin.js'
import { schemaErrorFormatter, serializerCompiler, validatorCompiler } from '../schemas/compilers.js'
import { errorReplies } from '../schemas/error-replies.js'
import type { TokenRouteService } from '../services/tokens.js'
import type { UserRouteService } from '../services/users.js'
import { useJsonBodies } from './body-parser.js'
import { documentRoutes, type DocumentOptions } from './openapi-transform.js'
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
  /** The hook that authenticates admins. */
  authenticate: onRequestHookHandler | onRequestAsyncHookHandler
  /** The hook that rejects changes from another origin. `undefined` with admin keys, which browsers never add. */
  sameOrigin: onRequestHookHandler | undefined
  documented: DocumentOptions
}

/**
 * Registers the routes of the admin API in a scope that authenticates admins. The scope has its own validator,
 * serializers and parsers. Those of the app therefore cannot weaken the admin routes, and the app keeps its own.
 */
export const adminRoutes: FastifyPluginCallback<AdminRoutesOptions> = (fastify, options, done) => {
  const { authenticate, sameOrigin, documented, users, tokens, scopes, duplicateEmail } = options
  documentRoutes(fastify, documented)
  fastify.setValidatorCompiler(validatorCompiler)
  fastify.setSerializerCompiler(serializerCompiler)
  fastify.setSchemaErrorFormatter(schemaErrorFormatter)
  // This removes a reply serializer that the app may have set. With one, Fastify would skip the response schemas.
  fastify.setReplySerializer(null as never)
  useJsonBodies(fastify)

  fastify.addHook('onRequest', (_request, reply, next) => {
    reply.header('cache-control', 'no-store')
    next()
  })
  fastify.decorate(adminScope, true)
  fastify.decorateRequest(requestActor, undefined)
  if (sameOrigin !== undefined) {
    // This hook runs before `authorize`, so that a rejected request cannot extend a session of the app.
    fastify.addHook('onRequest', sameOrigin)
    fastify.addHook('onRoute', ({ method, schema }) => {
      if (![method].flat().every(isSafe)) Object.assign(schema?.response as object, errorReplies(CrossOriginError))
    })
  }
  fastify.addHook('onRequest', authenticate as onRequestHookHandler)
  fastify.addHook('preValidation', (request, _reply, next) => {
    // A POST may have no body if its schema requires no member. Fastify would validate null instead of a missing body.
    if (request.method === 'POST' && request.body === undefined) request.body = {}
    next()
  })
  fastify.addHook('onError', prepareError)

  const routeOptions: RouteOptions = { users, tokens, scopes, duplicateEmail }
  fastify.register(userRoutes, routeOptions)
  fastify.register(tokenRoutes, routeOptions)
  fastify.register(overlongIdRoutes)
  done()
}
