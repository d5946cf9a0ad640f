import { createHash } from 'node:crypto'
import { findJsonLoss } from '../../schemas/lossless-json.js'
import { normalizeEmail } from '../../normalize.js'
import { Email } from '../../schemas/email.js'
import { isPlainObject } from '../../schemas/json-object.js'
import { compile } from '../../schemas/validator.js'

const failureOfEmail = compile(Email)

/** Returns whether a value is an e-mail address that a user may have. */
export function isEmail (value: unknown): value is string {
  return failureOfEmail(value) === undefined
}

/**
 * Returns an address for a user whose system has none: the id of the user at a domain that cannot exist (RFC 2606).
 * Ids that differ only in letter case get different addresses.
 */
export function placeholderEmail (id: string, system: string): string {
  const email = `${id}@${system}.invalid`
  if (isEmail(email) && normalizeEmail(email) === email) return email
  return `${createHash('sha256').update(id).digest('hex').slice(0, 32)}@${system}.invalid`
}

/**
 * Returns a time of another system as RFC 3339 in UTC, `undefined` if there is none, or `null` if the value is no time
 * from 1970 to 9999. A time without a zone is in UTC. A number is in milliseconds, or in seconds if it is small.
 */
export function toTime (value: unknown): string | undefined | null {
  if (value === undefined || value === null || value === 'infinity') return undefined
  // 1e11 milliseconds are in 1973, and 1e11 seconds are in the year 5138.
  const time = typeof value === 'number' ? new Date(value < 1e11 ? value * 1000 : value) : parseTime(String(value))
  const text = Number.isNaN(time.getTime()) ? '' : time.toISOString()
  return /^(?:19[7-9]|[2-9]\d\d)\d-/.test(text) ? text : null
}

function parseTime (text: string): Date {
  const [, day, clock, zone] = /^(\d{4}-\d\d-\d\d)[T ]([\d:.]+)(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  return new Date(`${day}T${clock}${zone ?? 'Z'}`)
}

/** A JSON value, and whether JavaScript has read it without loss. */
export interface ParsedJson {
  value: any
  /** False if a number was rounded, or if the text is no JSON. */
  isExact: boolean
}

/**
 * Returns the value that a JSON text means.
 *
 * @throws {SyntaxError} if the text is no JSON
 */
export function parseJson (text: string): ParsedJson {
  return { value: JSON.parse(text), isExact: findJsonLoss(text) === undefined }
}

/**
 * Returns the JSON in a column, which may be a text, or a text in a text, because some systems encode it twice.
 * Returns `undefined` as the value if there is none.
 */
export function readJson (column: unknown): ParsedJson {
  if (column === undefined || column === null || column === '') return { value: undefined, isExact: true }
  if (typeof column !== 'string') return { value: column, isExact: true }
  try {
    const { value, isExact } = parseJson(column)
    const inner = readJson(value)
    return { value: inner.value, isExact: isExact && inner.isExact }
  } catch {
    return { value: undefined, isExact: false }
  }
}

/** Returns the members of an object that has any, or `undefined`. */
export function toData (value: unknown): Record<string, unknown> | undefined {
  return isPlainObject(value) && Object.keys(value).length > 0 ? value : undefined
}

/** Returns a name if there is one. An empty name is none. */
export function toName (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Returns whether a column is false. Some databases have no booleans. */
export function isFalse (value: unknown): boolean {
  return value === false || value === 0
}

/** Returns whether a column is true. Some databases have no booleans. */
export function isTrue (value: unknown): boolean {
  return value === true || value === 1
}

/** Returns the id of this package for a positive integer of another system, or `undefined` for other ids. */
export function toKeptId (kind: 'user' | 'token', id: unknown): string | undefined {
  return /^[1-9]\d{0,15}$/.test(String(id)) ? `${kind}-${id}` : undefined
}
