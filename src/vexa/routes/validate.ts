import type { FastifyInstance } from 'fastify'
import type { Verification } from '../../schemas/verification.js'
import type { User } from '../../schemas/users.js'
import { isAdmin } from '../admin-claim.js'
import type { VexaContext } from '../context.js'
import { DetailError } from '../detail-error.js'
import { toNumber } from '../ids.js'
import { anything, read, recordOf } from '../read.js'
import { serve } from '../serve.js'
import { scopesOf } from '../shapes.js'
import { membershipsOf } from './memberships.js'

type Code = (Verification & { valid: false })['code']

// The status of each of these replies is 401. Vexa's gateway would treat any other 4xx as a token that does not exist.
const reasons: Record<Code, string> = {
  NOT_FOUND: 'Invalid token',
  EXPIRED: 'Token expired',
  TOKEN_DISABLED: 'Token disabled',
  DISABLED: 'User disabled',
  INSUFFICIENT_SCOPE: 'Invalid token'
}

/** Registers the route by which Vexa's gateway verifies the token of each request that it gets. */
export function validateRoutes (fastify: FastifyInstance, { tokens, guards }: VexaContext): void {
  serve(fastify, '/internal/validate', {
    POST: {
      guard: guards.internal,
      async reply ({ body }) {
        const { token } = read(recordOf(anything), body, ['body'])
        if (!token) throw new DetailError(401, 'Missing token')
        if (typeof token !== 'string') throw new DetailError(401, reasons.NOT_FOUND)
        const verification = await tokens.verify({ token })
        if (!verification.valid) throw new DetailError(401, reasons[verification.code])
        const { user } = verification
        return {
          user_id: toNumber(user.id),
          scopes: scopesOf(verification.token),
          max_concurrent: user.max_concurrent_bots,
          email: user.email,
          is_admin: isAdmin(user),
          ...webhookOf(user),
          ...workspacesOf(user)
        }
      }
    }
  })
}

/**
 * Returns the members of a reply that describe the webhook of a user, with the secret. Returns no members if the user
 * has no URL of a webhook.
 */
function webhookOf ({ data = {} }: User): object {
  const { webhook_url: url, webhook_secret: secret, webhook_events: events } = data
  if (!url) return {}
  return { webhook_url: url, ...secret ? { webhook_secret: secret } : {}, ...events ? { webhook_events: events } : {} }
}

function workspacesOf (user: User): object {
  if (user.data?.memberships === undefined) return {}
  return { workspaces: membershipsOf(user).map(({ workspace_id: id }) => id) }
}
