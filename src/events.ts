import { channel } from 'node:diagnostics_channel'

/** The request or the code that made a change. */
export interface ChangeSource {
  /** The `id` of the request, as in Fastify's log. Absent if the app's own code made the call. */
  requestId?: string
  /** `request.ip`. Absent if the app's own code made the call. */
  ip?: string
  /**
   * Name of the admin who made the change. For an admin key, the name of the key, or its `fingerprintAdminKey` if the
   * key has no name. Otherwise the `actor` that `authorize` returned, or that the app's own code passed. Absent if
   * there is no actor.
   */
  actor?: string
}

/** A request that was rejected. */
export interface Rejection {
  /** The `id` of the request, as in Fastify's log. */
  requestId: string
  method: string
  /**
   * The path of the route as registered, because the path that the client sent may hold secrets. `undefined` if no
   * route matches.
   */
  route: string | undefined
  /** `request.ip`: the address of the last proxy, unless the app sets Fastify's `trustProxy`. */
  ip: string
}

/**
 * The type of the messages of each channel. Ids are as in the HTTP API (`user-1`). `prefix` is the path under which the
 * plugin has registered its routes. `prefix` is absent if a service of `openVexaAdmin` made the change. No message
 * holds an admin key, or the value or hash of a token.
 */
export interface AuditEvents {
  'fastify-vexa-admin:user:created': ChangeSource & { prefix?: string, userId: string }
  /** `changed` has the names of the given members. */
  'fastify-vexa-admin:user:updated': ChangeSource & { prefix?: string, userId: string, changed: string[] }
  /** All tokens of the user are revoked, too, but without a message `token:revoked`. */
  'fastify-vexa-admin:user:deleted': ChangeSource & { prefix?: string, userId: string }
  'fastify-vexa-admin:token:created': ChangeSource & { prefix?: string, tokenId: string, userId: string }
  /** `changed` has the names of the given members. */
  'fastify-vexa-admin:token:updated': ChangeSource & {
    prefix?: string
    tokenId: string
    userId: string
    changed: string[]
  }
  'fastify-vexa-admin:token:rotated': ChangeSource & {
    prefix?: string
    tokenId: string
    successorId: string
    userId: string
  }
  /**
   * If one token was revoked, the message has `tokenId`. It also has `userId`, the user of the token, unless the token
   * was revoked by its id. If all tokens of a user were revoked, the message has only `userId`, even if the user had no
   * tokens.
   */
  'fastify-vexa-admin:token:revoked': ChangeSource & { prefix?: string } &
    ({ tokenId: string, userId?: string } | { userId: string })
  /**
   * 401 or 403 on a route of the admin API. `reason` is the end of the code of the error. With `FORBIDDEN`, the admin
   * lacks a permission, and `actor` names the admin.
   */
  'fastify-vexa-admin:admin:rejected': Rejection & {
    prefix: string
    reason: 'UNAUTHORIZED' | 'FORBIDDEN' | 'CROSS_ORIGIN'
    actor?: string
  }
  /** 401 or 403 on a route that `requireToken` guards. */
  'fastify-vexa-admin:token:rejected': Rejection & {
    prefix: string
    reason: 'MISSING' | 'NOT_FOUND' | 'EXPIRED' | 'TOKEN_DISABLED' | 'DISABLED' | 'INSUFFICIENT_SCOPE'
  }
}

type Kind = keyof AuditEvents extends `fastify-vexa-admin:${infer Name}` ? Name : never
type Message<Name extends Kind> = AuditEvents[`fastify-vexa-admin:${Name}`]
type Source<Name extends Kind> = Message<Name> extends Rejection ? Rejection : ChangeSource
// The condition applies Omit to each type of a union. Without it, Omit would keep only the members that all types
// share.
type Rest<T> = T extends unknown ? Omit<T, 'prefix' | keyof (T extends Rejection ? Rejection : ChangeSource)> : never

const channels = {
  'user:created': channel('fastify-vexa-admin:user:created'),
  'user:updated': channel('fastify-vexa-admin:user:updated'),
  'user:deleted': channel('fastify-vexa-admin:user:deleted'),
  'token:created': channel('fastify-vexa-admin:token:created'),
  'token:updated': channel('fastify-vexa-admin:token:updated'),
  'token:rotated': channel('fastify-vexa-admin:token:rotated'),
  'token:revoked': channel('fastify-vexa-admin:token:revoked'),
  'admin:rejected': channel('fastify-vexa-admin:admin:rejected'),
  'token:rejected': channel('fastify-vexa-admin:token:rejected')
}

/** The names of the channels of `node:diagnostics_channel`, one for each member of AuditEvents. */
export const auditEvents = Object.values(channels).map(({ name }) => name) as ReadonlyArray<keyof AuditEvents>

/** Publishes a message that has the members of `source` and `message`. The subscribers run before `publish` returns. */
export type Publish = <Name extends Kind>(name: Name, source: Source<Name>, message: Rest<Message<Name>>) => void

/**
 * Creates a function `publish`. Its messages have this `prefix`: the path under which the plugin has registered its
 * routes.
 */
export function createPublisher (prefix?: string): Publish {
  const registration = prefix === undefined ? {} : { prefix }
  return (name, source, message) => {
    if (channels[name].hasSubscribers) channels[name].publish({ ...registration, ...source, ...message })
  }
}
