import type { TokenRecord } from '../storage/storage-adapter.js'

/**
 * Returns the expiry and the lifetime of a token that is created or updated at `now`, in milliseconds. `expiresIn` is
 * in seconds, or `null` if the token never expires.
 */
export function lifetime (now: number, expiresIn: number | null) {
  return { expires_at: expiresIn === null ? null : secondsLater(now, expiresIn), expires_in: expiresIn }
}

/**
 * Returns the shorter of two lifetimes in seconds. In `expiresIn` and in the result, `null` means no limit. In
 * `longest`, Infinity means no limit.
 */
export function limited (expiresIn: number | null, longest: number): number | null {
  const seconds = Math.min(expiresIn ?? Infinity, longest)
  return seconds === Infinity ? null : seconds
}

/** Returns the earlier of two times of expiry. Returns `other` if `expiresAt` is `null`. */
export function sooner (expiresAt: string | null, other: string): string {
  return expiresAt !== null && expiresAt < other ? expiresAt : other
}

export function isExpired ({ expires_at: expiresAt }: TokenRecord, now: number): boolean {
  // The comparison is negated, so that a text counts as expired if it is not a time.
  return expiresAt !== null && !(Date.parse(expiresAt) > now)
}

/** Returns a time as RFC 3339 in UTC. `time` is in milliseconds since 1970. */
export function toTime (time: number): string {
  return new Date(time).toISOString()
}

/** Returns the time `seconds` after `now`, as RFC 3339 in UTC. */
export function secondsLater (now: number, seconds: number): string {
  return toTime(now + seconds * 1000)
}
