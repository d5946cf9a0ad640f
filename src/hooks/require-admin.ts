import { hash, timingSafeEqual } from 'node:crypto'
import type {
  FastifyError, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler
} from 'fastify'
import { Type } from '@sinclair/typebox'
import { check } from '../check-options.js'
import { UnauthorizedError } from '../errors.js'
import type { Publish } from '../events.js'
import { Actor } from '../schemas/change-options.js'
import { compile } from '../schemas/validator.js'
import { fingerprintAdminKey } from './admin-keys.js'
import { describeRejection } from './describe-rejection.js'

/**
 * Decides whether a request is from an admin. `true` or `{ actor }` accepts the request, and `actor` names the admin in
 * the events. Any other object causes a 500, and any other value a 401.
 */
export type Authorize = (request: FastifyRequest) => boolean | { actor: string } | Promise<boolean | { actor: string }>

/** Name of the request decorator that holds the actor, or `undefined` if `authorize` gave no name. */
export const requestActor = Symbol('requestActor')

/** Name of the decorator that marks the Fastify scope of the admin routes. The hooks of this file guard that scope. */
export const adminScope = Symbol('adminScope')

const failureOfAnswer = compile(Type.Object({ actor: Actor }, { additionalProperties: false }))

/** Creates an `onRequest` hook that returns 401 for each request without one of the keys in `X-Admin-API-Key`. */
export function requireAdminKey (adminKeys: readonly string[], publish: Publish): onRequestHookHandler {
  const keys = adminKeys.map((key) => ({
    expected: hash('sha256', key, 'buffer'),
    fingerprint: fingerprintAdminKey(key)
  }))
  return function checkAdminKey (request, reply, done) {
    // Node joins repeated headers with a comma, which no key contains.
    const digest = hash('sha256', String(request.headers['x-admin-api-key'] ?? ''), 'buffer')
    let actor: string | undefined
    // timingSafeEqual needs equal lengths, so it compares digests. Every key is compared, so the time reveals nothing.
    for (const { expected, fingerprint } of keys) actor = timingSafeEqual(expected, digest) ? fingerprint : actor
    if (actor === undefined) return done(reject(request, reply, publish))
    request.setDecorator(requestActor, actor)
    done()
  }
}

/**
 * Creates an `onRequest` hook that calls `authorize`, and returns 401 if the request is not from an admin. If
 * `authorize` returns an object other than `{ actor }`, the hook throws InvalidOptionError: 500.
 */
export function requireAuthorized (authorize: Authorize, publish: Publish): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    const answer: unknown = await authorize(request)
    if (answer === true) return
    if (typeof answer !== 'object' || answer === null) {
      const message = 'This app does not accept the request as one from an admin: sign in as an admin'
      throw Object.assign(reject(request, reply, publish), { message })
    }
    const failure = failureOfAnswer(answer)
    check(failure === undefined, '`authorize` must return true, false, or { actor } and nothing else: ' +
      `${failure?.instancePath} ${failure?.message}`)
    request.setDecorator(requestActor, (answer as { actor: string }).actor)
  }
}

function reject (request: FastifyRequest, reply: FastifyReply, publish: Publish): FastifyError {
  publish('admin:rejected', describeRejection(request), {})
  // RFC 9110 requires a challenge with each 401. No registered scheme describes a key in a header such as this.
  reply.header('www-authenticate', 'ApiKey realm="admin", header="X-Admin-API-Key"')
  return new UnauthorizedError()
}
