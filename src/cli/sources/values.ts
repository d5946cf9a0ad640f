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
 * Returns an address for a user who has no valid address in the other system. The address is the id of the user at a
 * domain that cannot exist (RFC 2606). Two ids that differ only in letter case get different addresses.
 */
export function placeholderEmail (id: string, system: string): string {
  const email = `${id}@${system}.invalid`
  if (isEmail(email) && normalizeEmail(email) === email) return email
  return `${createHash('sha256').update(id).digest('hex').slice(0, 32)}@${system}.invalid`
}

/**
 * Returns a time of another system as RFC 3339 in UTC. Returns `undefined` if there is no time, and `null` if the value
 * is not a time from 1970 to 9999. A text without a zone is in UTC. A number below 1e11 is in seconds, and any other
 * number is in milliseconds.
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
  /** False if a number was rounded, or if the text is not JSON. */
  isExact: boolean
}

/**
 * Returns the value of a JSON text.
 *
 * @throws {SyntaxError} if the text is not JSON
 */
export function parseJson (text: string): ParsedJson {
  return { value: JSON.parse(text), isExact: findJsonLoss(text) === undefined }
}

/**
 * Returns the JSON value in a column. If the column has a text, parses it, and parses the result again if it is a text,
 * too, because some systems encode JSON twice. The value is `undefined` if the column is empty or its text is not JSON.
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

/** Returns the value if it is an object with at least one member, and otherwise `undefined`. */
export function toData (value: unknown): Record<string, unknown> | undefined {
  return isPlainObject(value) && Object.keys(value).length > 0 ? value : undefined
}

/** Returns the value if it is a text that is not empty, and otherwise `undefined`. */
export function toName (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Returns whether a column is false. The number 0 counts as false, because some databases have no booleans. */
export function isFalse (value: unknown): boolean {
  return value === false || value === 0
}

/** Returns whether a column is true. The number 1 counts as true, because some databases have no booleans. */
export function isTrue (value: unknown): boolean {
  return value === true || value === 1
}

/**
 * Returns the id in this package that has the same number as an id of another system: `user-7` for 7. Returns
 * `undefined` if the id is not a positive integer.
 */
export function toKeptId (kind: 'user' | 'token', id: unknown): string | undefined {
  return /^[1-9]\d{0,15}$/.test(String(id)) ? `${kind}-${id}` : undefined
}
