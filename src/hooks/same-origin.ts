import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { CrossOriginError } from '../errors.js'
import type { Publish } from '../events.js'
import { describeRejection } from './describe-rejection.js'

/**
 * Creates an `onRequest` hook that returns 403 if a page of another origin requests a change, unless `trustedOrigins`
 * has this origin. The hook is necessary because a browser may add an admin's cookie to a request from any page. The
 * browser itself sets `Sec-Fetch-Site` and `Origin`, so a page cannot forge these headers. Clients that are not
 * browsers send neither header, and the hook accepts their requests.
 */
export function requireSameOrigin (trustedOrigins: readonly string[], publish: Publish): onRequestHookHandler {
  return function checkSameOrigin (request, _reply, done) {
    const { origin } = request.headers
    const isTrusted = origin !== undefined && trustedOrigins.includes(origin)
    if (isTrusted || isSafe(request.method) || isSameOrigin(request)) return done()
    publish('admin:rejected', describeRejection(request), { reason: 'CROSS_ORIGIN' })
    done(new CrossOriginError())
  }
}

/** Returns whether requests with this method change nothing. */
export function isSafe (method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

// Node joins repeated headers with a comma. No comparison below accepts a joined text.
function isSameOrigin ({ headers: { 'sec-fetch-site': site, origin }, host }: FastifyRequest): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return origin === undefined || isAt(origin, host.toLowerCase())
}

/**
 * Returns whether an origin, as browsers send it, is at a host. The scheme of the origin may differ from the scheme of
 * the request, because a proxy may have ended TLS.
 */
function isAt (origin: string, host: string): boolean {
  const [, scheme, authority = ''] = /^(https?):\/\/([^/?#@\s]+)$/.exec(origin) ?? []
  return scheme !== undefined && (host === authority || host === authority + (scheme === 'https' ? ':443' : ':80'))
}
