import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'

const TimeKind = 'VexaAdmin:Time'

TypeRegistry.Set(TimeKind, (_schema, value) => typeof value === 'string' && isTime(value))

// RFC 3339, section 5.6, without leap seconds, which JavaScript cannot represent.
const form = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i

const expected = 'Expected a time as in RFC 3339, such as 2024-01-01T12:00:00Z, from 1970 to 9999, with seconds ' +
  'up to 59 and at most 9 decimal places'

/**
 * Returns the schema of a time that callers send: RFC 3339 with any offset, in the years 1970 to 9999 of UTC. Earlier
 * times are rejected, because not every database can compare them.
 */
export function Time (options: SchemaOptions = {}): TUnsafe<string> {
  return Type.Unsafe<string>({
    ...options,
    [Kind]: TimeKind,
    [Expected]: (value: unknown) => hasSpaceBeforeOffset(value) ? `${expected}. In a query, send + as %2B` : expected,
    type: 'string',
    format: 'date-time'
  })
}

/** Returns a valid time as records have it: RFC 3339 in UTC with milliseconds. */
export function toRecordTime (text: string): string {
  return new Date(text.toUpperCase()).toISOString()
}

/**
 * Returns whether a text has a space in place of the + of its offset. In a query, a + that is not encoded becomes a
 * space.
 */
function hasSpaceBeforeOffset (value: unknown): boolean {
  return typeof value === 'string' && / \d\d:\d\d$/.test(value)
}

function isTime (text: string): boolean {
  const [, day] = form.exec(text) ?? []
  // A date exists if JavaScript returns it unchanged. JavaScript reads February 30 as March 1, and `toJSON` returns
  // null for month 13.
  const exists = String(new Date(`${day}T00:00:00Z`).toJSON()).startsWith(`${day}T`)
  return exists && /^(19[7-9]|[2-9]\d\d)\d-/.test(toRecordTime(text))
}
