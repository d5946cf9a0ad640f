import type { FastifyRequest } from 'fastify'
import { check } from '../check-options.js'
import { allPermissions, type Permission } from '../schemas/permissions.js'

/** The admin who sends a request. */
export interface Admin {
  /** Name of the admin key, or the actor that `authorize` returned. `null` if the admin has no name. */
  readonly name: string | null
  /**
   * Name of the admin in the events: `name`, or else the fingerprint of the key. `undefined` if the app uses
   * `authorize` and named no actor.
   */
  readonly actor: string | undefined
  readonly permissions: readonly Permission[]
}

/** Name of the request decorator that holds the admin. */
export const requestAdmin = Symbol('requestAdmin')

/** Returns the admin who sends a request. The hooks of `require-admin.ts` have authenticated the admin before. */
export function adminOf (request: FastifyRequest): Admin {
  return request.getDecorator<Admin>(requestAdmin)
}

/**
 * Returns a copy of the permissions of an admin. If the admin has no member `permissions`, returns all permissions.
 *
 * @throws {InvalidOptionError} if the member is present but `undefined`, because a mistake of the app must not give all
 * permissions
 */
export function permissionsOf (admin: { permissions?: readonly Permission[] }): readonly Permission[] {
  const { permissions } = admin
  check(permissions !== undefined || !('permissions' in admin),
    '`permissions` is undefined: name the permissions, or leave the member out to give all of them')
  return [...permissions ?? allPermissions]
}
