import type { FastifyInstance } from 'fastify'
import { createAdminClaim } from '../admin-claim.js'
import type { VexaContext } from '../context.js'
import { anything, read, recordOf } from '../read.js'
import { serve } from '../serve.js'
import { known, renamed } from './memberships.js'

/** Registers the routes by which the first person who signs in becomes the admin of the instance. */
export function adminClaimRoutes (fastify: FastifyInstance, { users, guards, internal }: VexaContext): void {
  const { adminExists, claim } = createAdminClaim(users, internal)

  serve(fastify, '/internal/instance', {
    GET: { guard: guards.internal, reply: async () => ({ admin_exists: await adminExists() }) }
  })

  serve(fastify, '/internal/bootstrap-admin', {
    POST: {
      guard: guards.internal,
      async reply ({ body }) {
        const { user_id: userId } = read(recordOf(anything), body, ['body'])
        return { claimed: await claim(known(userId)).catch(renamed), admin_exists: true }
      }
    }
  })
}
