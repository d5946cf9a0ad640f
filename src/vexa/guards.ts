import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Publish } from '../events.js'
import { describeRejection } from '../hooks/describe-rejection.js'
import type { TokenService } from '../services/token-service.js'
import { DetailError } from './detail-error.js'
import type { HeldKey, ResolvedVexaOptions } from './options.js'

/** `onRequest` hooks that authenticate the client. Each route uses one of them. */
export interface Guards {
  /** Accepts only the admin key. */
  admin: onRequestAsyncHookHandler
  /** Accepts the admin key and the key for analytics. */
  reader: onRequestAsyncHookHandler
  /** Accepts only the internal secret. Returns 503 if the app has none. */
  internal: onRequestAsyncHookHandler
  /** Accepts an API token, and sets `request.apiUser` and `request.apiToken`. */
  user: onRequestAsyncHookHandler
}

/** Creates the hooks. If a hook rejects a request, the reply has the same status and text as in Vexa. */
export function createGuards (options: ResolvedVexaOptions, tokens: TokenService, publish: Publish): Guards {
  const { adminKey, analyticsKey, internalSecret } = options

  function rejectAdmin (request: FastifyRequest, detail: string): DetailError {
    publish('admin:rejected', describeRejection(request), { reason: 'UNAUTHORIZED' })
    return new DetailError(403, detail)
  }

  return {
    admin: async (request) => {
      if (!holds(request, 'x-admin-api-key', adminKey)) throw rejectAdmin(request, 'Invalid or missing admin token.')
    },

    reader: async (request) => {
      const isAdmin = holds(request, 'x-admin-api-key', adminKey)
      const isAnalyst = analyticsKey !== undefined && holds(request, 'x-admin-api-key', analyticsKey)
      if (isAdmin || isAnalyst) return
      throw rejectAdmin(request, request.headers['x-admin-api-key'] ? 'Invalid API key' : 'Missing API key')
    },

    internal: async (request) => {
      if (internalSecret === undefined) throw new DetailError(503, 'The internal secret is not configured')
      if (!holds(request, 'x-internal-secret', internalSecret)) throw rejectAdmin(request, 'Invalid internal secret')
    },

    user: async (request) => {
      const token = request.headers['x-api-key']?.toString()
      if (!token) {
        publish('token:rejected', describeRejection(request), { reason: 'MISSING' })
        throw new DetailError(401, 'Missing API Key')
      }
      const verification = await tokens.verify({ token })
      if (!verification.valid) {
        publish('token:rejected', describeRejection(request), { reason: verification.code })
        throw new DetailError(403, 'Invalid API Key')
      }
      request.apiUser = verification.user
      request.apiToken = verification.token
    }
  }
}

/**
 * Returns whether a header of the request has this key as its value. timingSafeEqual needs equal lengths, so it
 * compares digests.
 */
function holds ({ headers }: FastifyRequest, header: string, { digest }: HeldKey): boolean {
  // Node joins repeated headers with a comma. No key contains a comma.
  return timingSafeEqual(hash('sha256', String(headers[header] ?? ''), 'buffer'), digest)
}
