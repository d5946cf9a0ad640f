import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { CrossOriginError } from '../errors.js'
import type { Publish } from '../events.js'
import { describeRejection } from './describe-rejection.js'

/**
 * Creates an `onRequest` hook that rejects changes which a page of another origin asks for, because a browser adds the cookie of an admin to them.
 * Browsers set `Sec-Fetch-Site` and `Origin` themselves, so no page can forge them. Other clients send neither, and pass.
 *
 * @throws {CrossOriginError} 403, unless the origin is the request's own or one of `trustedOrigins`
 */
export function requireSameOrigin (trustedOrigins: readonly string[], publish: Publish): onRequestHookHandler {
  return function checkSameOrigin (request, _reply, done) {
    const { origin } = request.headers
    if (isSafe(request.method) || isSameOrigin(request) || (origin !== undefined && trustedOrigins.includes(origin))) return done()
    publish('admin:rejected', describeRejection(request), {})
    done(new CrossOriginError())
  }
}

/** Returns whether requests with this method change nothing. */
export function isSafe (method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

// Node joins a header that was sent twice with a comma, and no such text is a value here.
function isSameOrigin ({ headers: { 'sec-fetch-site': site, origin }, host }: FastifyRequest): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return origin === undefined || isAt(origin, host.toLowerCase())
}

/** Returns whether an origin, as a browser writes it, is at a host. Its scheme is not compared, because a proxy may have ended TLS. */
function isAt (origin: string, host: string): boolean {
  const [, scheme, authority = ''] = /^(https?):\/\/([^/?#@\s]+)$/.exec(origin) ?? []
  return scheme !== undefined && (host === authority || host === authority + (scheme === 'https' ? ':443' : ':80'))
}
