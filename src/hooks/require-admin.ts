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

/** The description of an admin that `authorize` may return. */
export interface AuthorizedAdmin {
  /** Name of the admin in the events: 1 to 255 printable characters, without white space at either end. */
  actor: string
  /**
   * The permissions of the admin. If absent, the admin has all permissions. If empty, each request except
   * `GET /settings` gets a 403.
   */
  permissions?: readonly Permission[]
}

/**
 * Decides whether a request is from an admin. With the result `true`, the request is accepted and has all permissions.
 * With an AuthorizedAdmin, the request is accepted and has the permissions of this admin, whom the events name. Any
 * other object causes a 500. Any other value causes a 401.
 */
export type Authorize = (request: FastifyRequest) => boolean | AuthorizedAdmin | Promise<boolean | AuthorizedAdmin>

/** An admin key, as the plugin keeps it in memory. */
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
  // timingSafeEqual needs equal lengths, so the loop compares digests. The loop never ends early, so its time reveals
  // nothing.
  for (const known of adminKeys) admin = timingSafeEqual(known.digest, digest) ? known.admin : admin
  // If the app gives only the SHA-256 of a key, the start of the app cannot check the form of the key. So each request
  // checks it.
  return admin !== undefined && adminKeyForm.test(key) && mayUse(admin, userName) ? admin : undefined
}

/**
 * Creates an `onRequest` hook that calls `authorize`, and returns 401 if the request is not from an admin. If
 * `authorize` returns an object that is not an AuthorizedAdmin, the hook throws InvalidOptionError, 500.
 */
export function requireAuthorized (authorize: Authorize, publish: Publish): onRequestAsyncHookHandler {
  return async function checkAuthorized (request, reply) {
    const answer: unknown = await authorize(request)
    if (answer !== true && (typeof answer !== 'object' || answer === null)) {
      const message = 'This app does not recognise the sender of the request as an admin: sign in as an admin'
      throw Object.assign(reject(request, reply, publish), { message })
    }
    request.setDecorator(requestAdmin, answer === true ? unnamedAdmin : toAdmin(answer))
  }
}

/** @throws {InvalidOptionError} 500 if the object that `authorize` returned is not an AuthorizedAdmin */
function toAdmin (answer: object): Admin {
  const failure = failureOfAnswer(answer)
  check(failure === undefined, '`authorize` must return true, false, or { actor, permissions? } and nothing else: ' +
    `${failure?.instancePath} ${failure?.message}`)
  const admin = answer as AuthorizedAdmin
  return { name: admin.actor, actor: admin.actor, permissions: permissionsOf(admin) }
}

/**
 * Returns whether the key is valid with the user name of HTTP Basic. If both the key and the request have a name, the
 * two names must be equal.
 */
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
