import type { onRequestHookHandler, RouteOptions } from 'fastify'
import { check } from '../check-options.js'
import { ForbiddenError } from '../errors.js'
import type { Publish } from '../events.js'
import type { Permission } from '../schemas/permissions.js'
import { adminOf } from './admin.js'
import { describeRejection } from './describe-rejection.js'

/** The permission that a route needs, or `'any'` if every admin may call the route. */
export type NeededPermission = Permission | 'any'

/**
 * Key of the needed permission in the `config` of a route. The key is a symbol, so that it differs from all names that
 * the app uses.
 */
const neededPermission: unique symbol = Symbol('neededPermission')

declare module 'fastify' {
  interface FastifyContextConfig {
    [neededPermission]?: NeededPermission
  }
}

/** Returns the `config` of a route that needs this permission. Each route of the admin API has such a `config`. */
export function needs (permission: NeededPermission) {
  return { [neededPermission]: permission }
}

/**
 * Returns the permission that a route needs. Called for each route when the app starts.
 *
 * @throws {InvalidOptionError} if the route names no permission
 */
export function permissionFor ({ method, url, config }: RouteOptions): NeededPermission {
  const permission = config?.[neededPermission]
  check(permission !== undefined, `the route ${String(method)} ${url} names no permission in its \`config\`: ` +
    'an `onRoute` hook of the app may add members to the `config` of a route, but must keep the existing members')
  return permission
}

/** Creates an `onRequest` hook that returns 403 if the admin lacks the permission that the route needs. */
export function requirePermission (publish: Publish): onRequestHookHandler {
  return function checkPermission (request, _reply, done) {
    const needed = request.routeOptions.config[neededPermission] as NeededPermission
    const { actor, permissions } = adminOf(request)
    if (needed === 'any' || permissions.includes(needed)) return done()
    // `actor` is set, because an admin without a name has all permissions.
    publish('admin:rejected', describeRejection(request), { reason: 'FORBIDDEN', actor: actor as string })
    done(new ForbiddenError(needed))
  }
}
