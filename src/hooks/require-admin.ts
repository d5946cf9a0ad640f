import { hash, timingSafeEqual } from 'node:crypto'
import type {
  FastifyError, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler
} from 'fastify'
import { Type } from '@sinclair/typebox'
import { check } from '../check-options.js'
import { UnauthorizedError } from '../errors.js'
import type { Publish } from '../events.js'
import { Actor } from '../schemas/change-options.js'
import { allPermissions, Permissions, type Permission } from '../schemas/permissions.js'
import { compile } from '../schemas/validator.js'
import { adminKeyForm } from './admin-keys.js'
import { permissionsOf, requestAdmin, type Admin } from './admin.js'
import { describeRejection } from './describe-rejection.js'
import { challengeFor, keyChallenge, readAdminKey, type AdminCredentials } from './read-admin-key.js'

/** An admin, as `authorize` describes the admin. */
export interface AuthorizedAdmin {
  /** Name of the admin in the events: 1 to 255 printable characters, without white space at either end. */
  actor: string
  /**
   * The requests that the admin may send. If absent, the admin has all permissions. If empty, each request except
   * `GET /settings` gets a 403.
   */
  permissions?: readonly Permission[]
}

/**
 * Decides whether a request is from an admin. `true` accepts the request, with all permissions. An AuthorizedAdmin
 * accepts the request, and names the admin in the events. An object of a different form causes a 500. A value that is
 * neither `true` nor an object causes a 401.
 */
export type Authorize = (request: FastifyRequest) => boolean | AuthorizedAdmin | Promise<boolean | AuthorizedAdmin>

/** An admin key, as the plugin holds it. */
export interface KnownAdminKey {
  /** The SHA-256 of the key: 32 bytes. */
  readonly digest: Buffer
  readonly admin: Admin
}

/** Name of the decorator that marks the Fastify scope of the admin routes. The hooks of this file guard that scope. */
export const adminScope = Symbol('adminScope')

const unnamedAdmin: Admin = { name: null, actor: undefined, permissions: allPermissions }

const failureOfAnswer = compile(Type.Object({
  actor: Actor,
  permissions: Type.Optional(Permissions)
}, { additionalProperties: false }))

/** Creates an `onRequest` hook that returns 401 unless the request carries one of the admin keys. */
export function requireAdminKey (adminKeys: readonly KnownAdminKey[], publish: Publish): onRequestHookHandler {
  return function checkAdminKey (request, reply, done) {
    let admin: Admin | undefined
    for (const credentials of readAdminKey(request)) admin ??= findAdmin(adminKeys, credentials)
    if (admin === undefined) return done(reject(request, reply, publish, challengeFor(request)))
    request.setDecorator(requestAdmin, admin)
    done()
  }
}

/** Returns the admin with this key, or `undefined` if no admin has the key, or if `mayUse` rejects the user name. */
function findAdmin (adminKeys: readonly KnownAdminKey[], { key, userName }: AdminCredentials): Admin | undefined {
  const digest = hash('sha256', key, 'buffer')
  let admin: Admin | undefined
  // timingSafeEqual needs equal lengths, so it compares digests. Every key is compared, so the time reveals nothing.
  for (const known of adminKeys) admin = timingSafeEqual(known.digest, digest) ? known.admin : admin
  // The start cannot check the form of a key of which it has only the SHA-256.
  return admin !== undefined && adminKeyForm.test(key) && mayUse(admin, userName) ? admin : undefined
}

/**
 * Creates an `onRequest` hook that calls `authorize`, and returns 401 if the request is not from an admin. If
 * `authorize` returns an object other than AuthorizedAdmin, the hook throws InvalidOptionError: 500.
 */
export function requireAuthorized (authorize: Authorize, publish: Publish): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    const answer: unknown = await authorize(request)
    if (answer !== true && (typeof answer !== 'object' || answer === null)) {
      const message = 'This app does not accept the request as one from an admin: sign in as an admin'
      throw Object.assign(reject(request, reply, publish), { message })
    }
    request.setDecorator(requestAdmin, answer === true ? unnamedAdmin : toAdmin(answer))
  }
}

/** @throws {InvalidOptionError} 500 if the answer of `authorize` is not an AuthorizedAdmin */
function toAdmin (answer: object): Admin {
  const failure = failureOfAnswer(answer)
  check(failure === undefined, '`authorize` must return true, false, or { actor, permissions? } and nothing else: ' +
    `${failure?.instancePath} ${failure?.message}`)
  const admin = answer as AuthorizedAdmin
  return { name: admin.actor, actor: admin.actor, permissions: permissionsOf(admin) }
}

/** Returns whether the user name of HTTP Basic, if there is one, is the name of the key. A key may have no name. */
function mayUse ({ name }: Admin, userName: string | undefined): boolean {
  return userName === undefined || name === null || name === userName
}

function reject (
  request: FastifyRequest, reply: FastifyReply, publish: Publish, challenge: string | string[] = keyChallenge
): FastifyError {
  publish('admin:rejected', describeRejection(request), { reason: 'UNAUTHORIZED' })
  // RFC 9110 requires a challenge with each 401.
  reply.header('www-authenticate', challenge)
  return new UnauthorizedError()
}
