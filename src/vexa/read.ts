import { Email } from '../schemas/email.js'
import { isPlainObject } from '../schemas/json-object.js'
import { isText, lengthOf } from '../schemas/text.js'
import { compile } from '../schemas/validator.js'
import { DetailError, type Issue } from './detail-error.js'

type Place = Issue['loc']

/** Reads a value at a place of a request. If the value is not valid, adds an issue, and the result has no meaning. */
export type Reader<T> = (input: unknown, loc: Place, issues: Issue[]) => T

/** The members that a reader of an object returns. A member that the request lacks is absent. */
export type Given<M extends Record<string, Reader<unknown>>> = { [Name in keyof M]?: ReturnType<M[Name]> }

// Number of characters. If the JSON of a wrong input is longer, the reply does not repeat the input.
const longestInput = 1024

// The reply to a wrong request must not show this member.
const secretName = 'webhook_secret'

/**
 * Returns the value that the reader reads from `input`.
 *
 * @throws {DetailError} 422 with all issues, if there are any
 */
export function read<T> (reader: Reader<T>, input: unknown, loc: Place): T {
  const issues: Issue[] = []
  const value = reader(input, loc, issues)
  if (issues.length > 0) throw new DetailError(422, issues)
  return value
}

/**
 * Adds an issue. Returns `undefined` in place of a value. `read` does not return it, because `read` throws if there are
 * issues.
 */
export function report (issues: Issue[], type: string, loc: Place, msg: string, input: unknown, ctx?: object): never {
  const shown = loc.at(-1) === secretName ? '***' : shorten(input)
  issues.push({ type, loc, msg, input: shown, ...ctx && { ctx } })
  return undefined as never
}

/**
 * Returns a copy of an input that a reply may show: without secrets. Returns `null` if the input is large or has too
 * many levels.
 */
function shorten (input: unknown): unknown {
  try {
    const json = JSON.stringify(input ?? null, (name, value) => name === secretName ? '***' : value)
    return json.length > longestInput ? null : JSON.parse(json)
  } catch {
    return null
  }
}

/** Reads a text of at most `maxLength` characters. */
export function text (maxLength = Infinity): Reader<string> {
  return (input, loc, issues) => {
    if (typeof input !== 'string') return report(issues, 'string_type', loc, 'Input should be a valid string', input)
    if (!isText(input)) {
      return report(issues, 'string_unicode', loc, 'Input should be well-formed Unicode without NUL', null)
    }
    if (lengthOf(input) > maxLength) {
      return report(issues, 'string_too_long', loc, `String should have at most ${maxLength} characters`, input,
        { max_length: maxLength })
    }
    return input
  }
}

/** Reads an integer from `minimum` to `maximum`. The integer may be in quotes. */
export function integer (minimum: number, maximum: number): Reader<number> {
  return (input, loc, issues) => {
    if (typeof input !== 'string' && typeof input !== 'number') {
      return report(issues, 'int_type', loc, 'Input should be a valid integer', input)
    }
    if (typeof input === 'string' && !/^\s*[-+]?\d+(\.0+)?\s*$/.test(input)) {
      const msg = 'Input should be a valid integer, unable to parse string as an integer'
      return report(issues, 'int_parsing', loc, msg, input)
    }
    const value = Number(input)
    if (!Number.isInteger(value)) {
      const msg = 'Input should be a valid integer, got a number with a fractional part'
      return report(issues, 'int_from_float', loc, msg, input)
    }
    if (value < minimum) {
      return report(issues, 'greater_than_equal', loc, `Input should be greater than or equal to ${minimum}`, input,
        { ge: minimum })
    }
    if (value > maximum) {
      return report(issues, 'less_than_equal', loc, `Input should be less than or equal to ${maximum}`, input,
        { le: maximum })
    }
    return value
  }
}

/** Reads `true` or `false`. */
export const flag: Reader<boolean> = (input, loc, issues) =>
  typeof input === 'boolean' ? input : report(issues, 'bool_type', loc, 'Input should be a valid boolean', input)

const failureOfEmail = compile(Email)

/** Reads an e-mail address that the services accept. */
export const email: Reader<string> = (input, loc, issues) => {
  if (typeof input !== 'string') return report(issues, 'string_type', loc, 'Input should be a valid string', input)
  const reason = failureOfEmail(input)?.message
  return reason === undefined
    ? input
    : report(issues, 'value_error', loc, `value is not a valid email address: ${reason}`, input, { reason })
}

/** Reads an `http` or `https` URL. */
export const webAddress: Reader<string> = (input, loc, issues) =>
  typeof input === 'string' && input.length <= 2083 && /^https?:/i.test(input) && URL.canParse(input)
    ? input
    : report(issues, 'url_parsing', loc, 'Input should be a valid URL of http or https', input)

/** Reads `null`, or a value that `reader` reads. */
export function nullable<T> (reader: Reader<T>): Reader<T | null> {
  return (input, loc, issues) => input === null ? null : reader(input, loc, issues)
}

/** Reads an array. */
export function arrayOf<T> (reader: Reader<T>): Reader<T[]> {
  return (input, loc, issues) => Array.isArray(input)
    ? input.map((item, i) => reader(item, [...loc, i], issues))
    : report(issues, 'list_type', loc, 'Input should be a valid list', input)
}

/** Reads an object with any names. */
export function recordOf<T> (reader: Reader<T>): Reader<Record<string, T>> {
  return (input, loc, issues) => isPlainObject(input)
    ? Object.fromEntries(Object.entries(input).map(([name, item]) => [name, reader(item, [...loc, name], issues)]))
    : report(issues, 'dict_type', loc, 'Input should be a valid dictionary', input)
}

/** Accepts every value, and returns it unchanged. */
export const anything: Reader<unknown> = (input) => input

/**
 * Reads an object. `members` has the reader of each member. The members in `required` must be present. `others` tells
 * whether unknown members are ignored or rejected.
 */
export function model<M extends Record<string, Reader<unknown>>> (
  members: M, { required = [], others = 'ignored' }: { required?: string[], others?: 'ignored' | 'rejected' } = {}
): Reader<Given<M>> {
  return (input, loc, issues) => {
    if (input === undefined) return report(issues, 'missing', loc, 'Field required', null)
    if (!isPlainObject(input)) {
      const msg = 'Input should be a valid dictionary or object to extract fields from'
      return report(issues, 'model_attributes_type', loc, msg, input)
    }
    for (const name of required) {
      if (!Object.hasOwn(input, name)) report(issues, 'missing', [...loc, name], 'Field required', input)
    }
    const given: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(input)) {
      if (Object.hasOwn(members, name)) given[name] = (members[name] as Reader<unknown>)(value, [...loc, name], issues)
      else if (others === 'rejected') {
        report(issues, 'extra_forbidden', [...loc, name], 'Extra inputs are not permitted', value)
      }
    }
    return given as Given<M>
  }
}
