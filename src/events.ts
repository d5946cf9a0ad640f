import { channel } from 'node:diagnostics_channel'

/** Where a change came from. */
export interface ChangeSource {
  /** The `id` of the request, as in Fastify's log. Missing where the host's own code made the call. */
  requestId?: string
  /** `request.ip`. Missing where the host's own code made the call. */
  ip?: string
  /**
   * Who made the change: the `fingerprintAdminKey` of the admin key, the `actor` that `authorize` returned, or the one that the host's own code gave.
   * Missing where neither said who.
   */
  actor?: string
}

/** A request that was refused. */
export interface Rejection {
  requestId: string
  method: string
  /** The route, as it was registered: paths that were sent may hold secrets. `undefined` where there is none. */
  route: string | undefined
  /** `request.ip`: that of the last proxy, unless Fastify's `trustProxy` says otherwise. */
  ip: string
}

/**
 * What is published, by the names of its channels. Ids are those of the wire, and `prefix` is where the registration has its routes.
 * No message holds a key, or a token's value or hash.
 */
export interface AuditEvents {
  'fastify-vexa-admin:user:created': ChangeSource & { prefix: string, userId: string }
  /** `changed` has the names of the members that were given. */
  'fastify-vexa-admin:user:updated': ChangeSource & { prefix: string, userId: string, changed: string[] }
  /** Its tokens are gone with it. */
  'fastify-vexa-admin:user:deleted': ChangeSource & { prefix: string, userId: string }
  'fastify-vexa-admin:token:created': ChangeSource & { prefix: string, tokenId: string, userId: string }
  'fastify-vexa-admin:token:rotated': ChangeSource & { prefix: string, tokenId: string, successorId: string, userId: string }
  /** Of one token, its `tokenId`; of all of a user's, also if there were none, the `userId`. */
  'fastify-vexa-admin:token:revoked': ChangeSource & { prefix: string } & ({ tokenId: string } | { userId: string })
  /** 401 on a route of the admin API, or 403 for a request of another origin. */
  'fastify-vexa-admin:admin:rejected': Rejection & { prefix: string }
  /** 401 or 403 on a route behind `requireToken`. */
  'fastify-vexa-admin:token:rejected': Rejection & { prefix: string, reason: 'MISSING' | 'NOT_FOUND' | 'EXPIRED' | 'DISABLED' | 'INSUFFICIENT_SCOPE' }
}

type Kind = keyof AuditEvents extends `fastify-vexa-admin:${infer Name}` ? Name : never
type Message<Name extends Kind> = AuditEvents[`fastify-vexa-admin:${Name}`]
type Source<Name extends Kind> = Message<Name> extends Rejection ? Rejection : ChangeSource
// Of a union, each: Omit would keep what all have in common.
type Rest<T> = T extends unknown ? Omit<T, 'prefix' | keyof ChangeSource | keyof Rejection> : never

const channels = {
  'user:created': channel('fastify-vexa-admin:user:created'),
  'user:updated': channel('fastify-vexa-admin:user:updated'),
  'user:deleted': channel('fastify-vexa-admin:user:deleted'),
  'token:created': channel('fastify-vexa-admin:token:created'),
  'token:rotated': channel('fastify-vexa-admin:token:rotated'),
  'token:revoked': channel('fastify-vexa-admin:token:revoked'),
  'admin:rejected': channel('fastify-vexa-admin:admin:rejected'),
  'token:rejected': channel('fastify-vexa-admin:token:rejected')
}

/** The channels of `node:diagnostics_channel` that there are. */
export const auditEvents = Object.values(channels).map(({ name }) => name) as ReadonlyArray<keyof AuditEvents>

/** Tells whoever has subscribed, in the course of the call: where it comes from, and what it is. They are put together only for somebody who listens. */
export type Publish = <Name extends Kind>(name: Name, source: Source<Name>, message: Rest<Message<Name>>) => void

/** For the registration whose routes are at this path. */
export function createPublisher (prefix: string): Publish {
  return (name, source, message) => {
    if (channels[name].hasSubscribers) channels[name].publish({ prefix, ...source, ...message })
  }
}
