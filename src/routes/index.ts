import type { FastifyPluginCallback, FastifySchema, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { CrossOriginError, StorageUnavailableError, TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { requestActor, adminScope } from '../hooks/require-admin.js'
import { isSafe } from '../hooks/same-origin.js'
import { schemaErrorFormatter, serializerCompiler, validatorCompiler } from '../schemas/compilers.js'
import { adviceOn, errorReplies, reading } from '../schemas/error-replies.js'
import type { TokenRouteService } from '../services/tokens.js'
import type { UserRouteService } from '../services/users.js'
import { useJsonBodies } from './body-parser.js'
import { documentRoutes, type Documented } from './openapi-transform.js'
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
  fastify.addHook('onError', (request, reply, error, next) => {
    // Fastify's own 503 is that of its `handlerTimeout`, of a host that waits for less long than the storage may take.
    if (error instanceof StorageUnavailableError || error.code === 'FST_ERR_HANDLER_TIMEOUT') reply.header('retry-after', '1')
    // Whoever logs the error next need not log paths. Fastify's own errors about a request come with a stack, and so does that of one that broke off.
    if (/^(FST|VEXA_ADMIN)_/.test(error.code) || error === request.raw.errored) delete error.stack
    const advice = adviceOn(error)
    if (advice !== undefined) error.message = advice
    next()
  })

  const options = { users, tokens, scopes, duplicateEmail }
  fastify.register(userRoutes, options)
  fastify.register(tokenRoutes, options)
  fastify.register(overlongIds)
  done()
}

/** An id that is longer than the router lets a parameter be reaches no route above, and is nobody's: 404, as for any other. */
const overlongIds: FastifyPluginCallback = (fastify, _options, done) => {
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
