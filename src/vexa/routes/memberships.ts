import type { FastifyInstance } from 'fastify'
import { UserNotFoundError } from '../../errors.js'
import { isPlainObject } from '../../schemas/json-object.js'
import type { User } from '../../schemas/users.js'
import type { VexaContext } from '../context.js'
import { DetailError } from '../detail-error.js'
import { toId } from '../ids.js'
import { anything, read, recordOf } from '../read.js'
import { serve } from '../serve.js'
import { changeData } from '../user-data.js'

interface Membership { workspace_id: string, role: unknown, added_at: unknown }

/** Returns the memberships of a user in shared workspaces. Ignores stored entries without a `workspace_id`. */
export function membershipsOf ({ data }: User): Membership[] {
  const stored: unknown = data?.memberships
  return Array.isArray(stored) ? stored.filter((entry) => isPlainObject(entry) && entry.workspace_id) : []
}

/**
 * Registers the routes of the memberships of a user in shared workspaces. Vexa keeps the memberships in `data` of the
 * user.
 */
export function membershipRoutes (fastify: FastifyInstance, { users, guards, internal }: VexaContext): void {
  /** Replaces the memberships of one workspace, and returns all memberships of the user. */
  async function replace (userId: string, workspaceId: unknown, ...added: Membership[]) {
    const user = await users.edit(known(userId), (user) => {
      const others = membershipsOf(user).filter(({ workspace_id: id }) => id !== workspaceId)
      return changeData(user, { memberships: [...others, ...added] })
    }, internal).catch(renamed)
    return { memberships: membershipsOf(user) }
  }

  serve(fastify, '/internal/users/:user_id/memberships', {
    GET: {
      guard: guards.internal,
      async reply ({ params }) {
        return { memberships: membershipsOf(await users.get(known(params.user_id)).catch(renamed)) }
      }
    },
    POST: {
      guard: guards.internal,
      async reply ({ params, body }) {
        const { workspace_id: id, role = 'viewer', added_at: addedAt = null } =
          read(recordOf(anything), body, ['body'])
        if (typeof id !== 'string' || id === '') throw new DetailError(400, 'workspace_id required')
        return replace(params.user_id, id, { workspace_id: id, role, added_at: addedAt })
      }
    }
  })

  // The id of a workspace may be longer than the router allows for a parameter.
  serve(fastify, '/internal/users/:user_id/memberships/*', {
    DELETE: {
      guard: guards.internal,
      reply: ({ params }) => replace(params.user_id, params['*'].replace(/\/$/, ''))
    }
  })
}

/**
 * Returns the id of the user that an internal client names.
 *
 * @throws {DetailError} 404 if the value is not an integer
 */
export function known (userId: unknown): string {
  const id = toId('user', userId)
  if (id === undefined) throw new DetailError(404, 'Unknown user')
  return id
}

/**
 * Throws the error again. For an unknown user, throws an error whose message is the one that Vexa's internal routes
 * use.
 */
export function renamed (error: unknown): never {
  throw error instanceof UserNotFoundError ? new DetailError(404, 'Unknown user') : error
}
