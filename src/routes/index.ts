import type { FastifyError, FastifyPluginCallback, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { CrossOriginError, ForbiddenError } from '../errors.js'
import { requestAdmin } from '../hooks/admin.js'
import { adminScope } from '../hooks/require-admin.js'
import { permissionFor } from '../hooks/require-permission.js'
import { isSafe } from '../hooks/same-origin.js'
import { schemaErrorFormatter, serializerCompiler, validatorCompiler } from '../schemas/compilers.js'
import { errorReply } from '../schemas/error-replies.js'
import type { Settings } from '../schemas/settings.js'
import type { AuditRouteService } from '../services/audit.js'
import type { TokenRouteService } from '../services/tokens.js'
import type { UserRouteService } from '../services/users.js'
import { auditRoutes } from './audit.js'
import { useJsonBodies } from './body-parser.js'
import { introspectionRoutes } from './introspection.js'
import { documentRoutes, type DocumentOptions } from './openapi-transform.js'
import { overlongIdRoutes } from './overlong-ids.js'
import { prepareError } from './prepare-error.js'
import { settingsRoutes } from './settings.js'
import { tokenListRoutes } from './token-lists.js'
import { tokenRoutes } from './tokens.js'
import { userRoutes } from './users.js'

export interface RouteOptions {
  users: UserRouteService
  tokens: TokenRouteService
  scopes: readonly string[]
  tokenPrefix: readonly string[]
  maxTokenLifetime: number
  duplicateEmail: 'reject' | 'return'
  /** Maximum size of `data` as JSON, in bytes. */
  maxDataSize: number
  /** The settings that the API shows to every admin. */
  settings: Omit<Settings, 'key'>
}

export interface AdminRoutesOptions extends RouteOptions {
  /** The hook that authenticates admins. */
  authenticate: onRequestHookHandler | onRequestAsyncHookHandler
  /**
   * The hook that rejects changes from another origin. `undefined` if the app uses `adminKeys`, because a browser adds
   * cookies to a request by itself, but never an admin key.
   */
  sameOrigin: onRequestHookHandler | undefined
  /** The hook that rejects admins without the permission that a route needs. It runs after `authenticate`. */
  requirePermission: onRequestHookHandler
  /** `undefined` if the option `audit` is off. The API then has no route of the audit trail. */
  audit: AuditRouteService | undefined
  documented: DocumentOptions
}

/**
 * Registers the routes of the admin API in a Fastify scope that authenticates admins. This scope has its own validator,
 * serializers and parsers. So the validator, serializers and parsers of the app cannot weaken the admin routes. The
 * rest of the app keeps its validator, serializers and parsers.
 */
export const adminRoutes: FastifyPluginCallback<AdminRoutesOptions> = (fastify, options, done) => {
  const { authenticate, sameOrigin, requirePermission, audit, documented, maxDataSize } = options
  const { users, tokens, scopes, tokenPrefix, maxTokenLifetime, duplicateEmail, settings } = options
  documentRoutes(fastify, documented)
  fastify.setValidatorCompiler(validatorCompiler)
  fastify.setSerializerCompiler(serializerCompiler)
  fastify.setSchemaErrorFormatter(schemaErrorFormatter)
  // This removes a reply serializer of the app. With a reply serializer, Fastify would skip the response schemas.
  fastify.setReplySerializer(null as never)
  useJsonBodies(fastify, maxDataSize)

  fastify.addHook('onRequest', (_request, reply, next) => {
    reply.header('cache-control', 'no-store')
    next()
  })
  fastify.decorate(adminScope, true)
  fastify.decorateRequest(requestAdmin, undefined)
  if (sameOrigin !== undefined) {
    // This hook runs before `authorize`, because `authorize` may extend the session of the app for each request.
    fastify.addHook('onRequest', sameOrigin)
  }
  fastify.addHook('onRequest', authenticate as onRequestHookHandler)
  fastify.addHook('onRequest', requirePermission)
  fastify.addHook('onRoute', (route) => {
    const permission = permissionFor(route)
    const errors: FastifyError[] = permission === 'any' ? [] : [new ForbiddenError(permission)]
    if (sameOrigin !== undefined && ![route.method].flat().every(isSafe)) errors.push(new CrossOriginError())
    const [first, ...others] = errors
    if (first !== undefined) Object.assign(route.schema?.response as object, errorReply(first, ...others))
  })
  fastify.addHook('preValidation', (request, _reply, next) => {
    // A POST may have no body if its schema requires no member. Fastify would validate `null` in place of a missing
    // body.
    if (request.method === 'POST' && request.body === undefined) request.body = {}
    next()
  })
  fastify.addHook('onError', prepareError)

  const routeOptions: RouteOptions = {
    users, tokens, scopes, tokenPrefix, maxTokenLifetime, duplicateEmail, maxDataSize, settings
  }
  fastify.register(userRoutes, routeOptions)
  fastify.register(tokenRoutes, routeOptions)
  fastify.register(tokenListRoutes, routeOptions)
  fastify.register(introspectionRoutes, routeOptions)
  fastify.register(settingsRoutes, routeOptions)
  if (audit !== undefined) fastify.register(auditRoutes, { audit })
  fastify.register(overlongIdRoutes)
  done()
}
