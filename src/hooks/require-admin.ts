import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { Type } from '@sinclair/typebox'
import { check } from '../check-options.js'
import { UnauthorizedError } from '../errors.js'
import type { Publish } from '../events.js'
import { Actor } from '../schemas/change-options.js'
import { compile } from '../schemas/validator.js'
import { fingerprintAdminKey } from './admin-keys.js'
import { describeRejection } from './describe-rejection.js'

/** The host's own idea of an admin: `true`, or the name of the admin for the events. Anything else is no admin. */
export type Authorize = (request: FastifyRequest) => boolean | { actor: string } | Promise<boolean | { actor: string }>

/** Decorates a request of the admin API with the actor, where there is one: the fingerprintAdminKey of the admin key, or what `authorize` said. */
export const requestActor = Symbol('actingAdmin')

/** Decorates the scope of the admin API: the routes that the guards of this file guard, and no others. */
export const adminScope = Symbol('adminScope')

const failureOfAnswer = compile(Type.Object({ actor: Actor }, { additionalProperties: false }))

function refuse (request: FastifyRequest, reply: FastifyReply, publish: Publish): FastifyError {
  publish('admin:rejected', describeRejection(request), {})
  // RFC 9110 wants a challenge with every 401; there is no registered scheme for a key in a header of its own.
  reply.header('www-authenticate', 'ApiKey realm="admin", header="X-Admin-API-Key"')
  return new UnauthorizedError()
}

/** An `onRequest` hook that lets nobody in who does not send one of the keys in `X-Admin-API-Key`. */
export function requireAdminKey (adminKeys: readonly string[], publish: Publish): onRequestHookHandler {
  const keys = adminKeys.map((key) => ({ expected: hash('sha256', key, 'buffer'), name: fingerprintAdminKey(key) }))
  return function checkAdminKey (request, reply, done) {
    // Node joins a header that was sent twice with a comma, which no key contains.
    const digest = hash('sha256', String(request.headers['x-admin-api-key'] ?? ''), 'buffer')
    let acting: string | undefined
    // Digests have one length, as timingSafeEqual wants, and every key is compared, so that timing tells nothing.
    for (const { expected, name } of keys) acting = timingSafeEqual(expected, digest) ? name : acting
    if (acting === undefined) return done(refuse(request, reply, publish))
    request.setDecorator(requestActor, acting)
    done()
  }
}

/** An `onRequest` hook that asks the host. */
export function requireAuthorized (authorize: Authorize, publish: Publish): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    const answer: unknown = await authorize(request)
    if (answer === true) return
    if (typeof answer !== 'object' || answer === null) {
      throw Object.assign(refuse(request, reply, publish), { message: 'This app does not accept the request as one by an admin: sign in as an admin' })
    }
    const failure = failureOfAnswer(answer)
    check(failure === undefined, `\`authorize\` must return true, false, or { actor } alone: ${failure?.instancePath} ${failure?.message}`)
    request.setDecorator(requestActor, (answer as { actor: string }).actor)
  }
}
