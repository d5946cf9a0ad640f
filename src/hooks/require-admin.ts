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
 * The app's own decision whether a request is from an admin. `true` and `{ actor }` accept the request, and `actor`
 * names the admin in the events. Any other value rejects it.
 */
export type Authorize = (request: FastifyRequest) => boolean | { actor: string } | Promise<boolean | { actor: string }>

/** Decorates a request of the admin API with the actor, or `undefined` if `authorize` accepted it without a name. */
export const requestActor = Symbol('requestActor')

/** Decorates the scope of the admin API, which holds the routes that the hooks of this file guard, and no others. */
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
    // Digests, because timingSafeEqual needs equal lengths. Every key is compared, so that the time reveals nothing.
    for (const { expected, fingerprint } of keys) actor = timingSafeEqual(expected, digest) ? fingerprint : actor
    if (actor === undefined) return done(reject(request, reply, publish))
    request.setDecorator(requestActor, actor)
    done()
  }
}

/**
 * Creates an `onRequest` hook that asks the app whether a request is from an admin, and rejects it if not: 401. An
 * answer that is an object, but not `{ actor }`, causes InvalidOptionError: 500.
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
  // RFC 9110 asks for a challenge with each 401. No registered scheme describes a key in a header of its own.
  reply.header('www-authenticate', 'ApiKey realm="admin", header="X-Admin-API-Key"')
  return new UnauthorizedError()
}
