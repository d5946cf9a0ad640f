// What the model of the API knows about users and tokens.
import { isObject } from './generated.js'

export interface KnownUser {
  wire: any
  alive: boolean
  /** The current tag without a hash. */
  tag: string
  /** The last tag that was replaced. */
  oldTag: string
}

export interface KnownToken {
  wire: any
  owner: KnownUser
  alive: boolean
  value: string
  /** Lifetime in seconds. */
  life: number | undefined
  /** The token that the latest rotation created. */
  successor?: KnownToken
  /** The last use. */
  used: string
  /** The last use before the last restart. */
  kept: string
}

/** Returns the key of an id, or NaN if the id is not one of this storage. */
export const keyOf = (id: string) => Number(/^(?:user|token)-([1-9]\d{0,14})$/.exec(id)?.[1])
export const seconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
export const isExpired = ({ wire }: KnownToken) => wire.expires_at <= seconds(0)

/** Returns the reason why a value is not valid, apart from scopes. */
export function reasonOf (token: KnownToken): string | undefined {
  if (!token.alive) return 'NOT_FOUND'
  if (isExpired(token)) return 'EXPIRED'
  if (token.wire.disabled) return 'TOKEN_DISABLED'
  return token.owner.wire.disabled ? 'DISABLED' : undefined
}

export function lacks ({ wire }: KnownToken, wanted: string[] | undefined): boolean | undefined {
  return wire.scopes !== undefined && wanted?.some((scope) => !wire.scopes.includes(scope))
}

/** Merges by the algorithm of RFC 7396. */
export function merged (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const members = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, merged(members.get(name), value))
  }
  return Object.fromEntries(members)
}

/** Returns the part of a list that a page starts. */
export function sorted<T extends { wire: any }> (known: T[], order = 'asc', after?: string): T[] {
  const direction = order === 'asc' ? 1 : -1
  return [...known].sort((a, b) => direction * (keyOf(a.wire.id) - keyOf(b.wire.id))).filter(({ wire }) =>
    after === undefined || direction * (keyOf(wire.id) - keyOf(after)) > 0)
}
