import { day } from './times.js'
import type { Token } from './types.js'

/** The views of the list of all tokens, with their labels. */
export const tokenViews = {
  all: 'All',
  expiring: 'Expire within 30 days',
  expired: 'Expired',
  disabled: 'Disabled',
  unused30: 'Unused for 30 days',
  unused90: 'Unused for 90 days'
} as const

export type TokenView = keyof typeof tokenViews

/** Returns the query of `GET /tokens` that selects the tokens of a view. */
export function queryOfView (view: TokenView, now: number): Record<string, string> {
  const inDays = (days: number) => new Date(now + days * day).toISOString()
  return {
    all: {},
    expiring: { state: 'active', expires_before: inDays(30) },
    expired: { state: 'expired' },
    disabled: { state: 'disabled' },
    unused30: { state: 'active', unused_since: inDays(-30) },
    unused90: { state: 'active', unused_since: inDays(-90) }
  }[view]
}

// The API keeps this number of characters after the prefix.
const startLength = 4

/**
 * Returns the part of a text that may go into a URL as the start of a token: the prefix and 4 characters at most.
 * Somebody may paste a whole value, and URLs are logged.
 */
export function cutStart (text: string, prefixes: readonly string[]): string {
  const trimmed = text.trim()
  const matching = prefixes.filter((prefix) => trimmed.startsWith(prefix))
  const candidates = matching.length > 0 ? matching : prefixes
  const printable = trimmed.replace(/[^!-~].*/s, '')
  return printable.slice(0, Math.max(...candidates.map(({ length }) => length)) + startLength)
}

/**
 * Returns the part of a text that may go into a URL if the text is not the start of a token. If the text contains a
 * token's value, the result ends after the prefix and 4 more characters. A value is a prefix with 12 or more letters
 * and digits, because somebody may paste only a part of a value. Outside of an id, 32 letters and digits are the value
 * of another system, of which the result keeps 8.
 */
export function cutValue (text: string, prefixes: readonly string[]): string {
  // The option `tokenPrefix` allows no characters that a pattern would have to escape.
  const ours = `(?:${prefixes.join('|')})[^\\W_]{${startLength}}(?=[^\\W_]{8})`
  const others = '(?<!^(?:user|token)-\\w*)[^\\W_]{8}(?=[^\\W_]{24})'
  const found = new RegExp(`${ours}|${others}`).exec(text)
  return found === null ? text : text.slice(0, found.index + found[0].length)
}

export type TokenState = 'active' | 'disabled' | 'expired'

/** Returns the state of a token. An expired token is not in any other state. */
export function stateOf ({ expires_at: expiresAt, disabled }: Token, now: number): TokenState {
  if (expiresAt !== undefined && Date.parse(expiresAt) <= now) return 'expired'
  return disabled ? 'disabled' : 'active'
}

/** Returns whether a time is in the next seven days. */
export function isSoon (time: string, now: number): boolean {
  const distance = Date.parse(time) - now
  return distance > 0 && distance < 7 * day
}

/** Returns a text that names a token: its name, its start, or its id. */
export function titleOf ({ name, start, id }: Token): string {
  return name || (start === undefined ? id : `${start}…`)
}
