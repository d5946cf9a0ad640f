import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { UnauthorizedError } from '../errors.js'

/** The host's own idea of an admin: anything but `true` is refused. */
export type Authorize = (request: FastifyRequest) => boolean | Promise<boolean>

function refuse (reply: FastifyReply): FastifyError {
  // RFC 9110 wants a challenge with every 401; there is no registered scheme for a key in a header of its own.
  reply.header('www-authenticate', 'ApiKey realm="admin", header="X-Admin-API-Key"')
  return new UnauthorizedError()
}

/** An `onRequest` hook that lets nobody in who does not send one of the keys in `X-Admin-API-Key`. */
export function adminKeyGuard (adminKeys: readonly string[]): onRequestHookHandler {
  const digests = adminKeys.map((key) => hash('sha256', key, 'buffer'))
  return function checkAdminKey (request, reply, done) {
    // Node joins a header that was sent twice with a comma, which no key contains.
    const digest = hash('sha256', String(request.headers['x-admin-api-key'] ?? ''), 'buffer')
    let matches = false
    // Digests have one length, as timingSafeEqual wants, and every key is compared, so that timing tells nothing.
    for (const expected of digests) matches = timingSafeEqual(expected, digest) || matches
    done(matches ? undefined : refuse(reply))
  }
}

/** An `onRequest` hook that asks the host. */
export function authorizeGuard (authorize: Authorize): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    if (await authorize(request) !== true) throw refuse(reply)
  }
}
