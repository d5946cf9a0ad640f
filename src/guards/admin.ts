import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { UnauthorizedError } from '../errors.js'
import { fingerprint, refusalOf, type Publish } from '../events.js'

/** The host's own idea of an admin: anything but `true` is refused. */
export type Authorize = (request: FastifyRequest) => boolean | Promise<boolean>

/** Where the guard leaves which of the admin keys a request came with: its fingerprint. */
export const actingKey = Symbol('actingKey')

function refuse (request: FastifyRequest, reply: FastifyReply, publish: Publish): FastifyError {
  publish('admin:refused', refusalOf(request), {})
  // RFC 9110 wants a challenge with every 401; there is no registered scheme for a key in a header of its own.
  reply.header('www-authenticate', 'ApiKey realm="admin", header="X-Admin-API-Key"')
  return new UnauthorizedError()
}

/** An `onRequest` hook that lets nobody in who does not send one of the keys in `X-Admin-API-Key`. */
export function adminKeyGuard (adminKeys: readonly string[], publish: Publish): onRequestHookHandler {
  const keys = adminKeys.map((key) => ({ expected: hash('sha256', key, 'buffer'), name: fingerprint(key) }))
  return function checkAdminKey (request, reply, done) {
    // Node joins a header that was sent twice with a comma, which no key contains.
    const digest = hash('sha256', String(request.headers['x-admin-api-key'] ?? ''), 'buffer')
    let acting: string | undefined
    // Digests have one length, as timingSafeEqual wants, and every key is compared, so that timing tells nothing.
    for (const { expected, name } of keys) acting = timingSafeEqual(expected, digest) ? name : acting
    if (acting === undefined) return done(refuse(request, reply, publish))
    request.setDecorator(actingKey, acting)
    done()
  }
}

/** An `onRequest` hook that asks the host. */
export function authorizeGuard (authorize: Authorize, publish: Publish): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    if (await authorize(request) !== true) throw refuse(request, reply, publish)
  }
}
