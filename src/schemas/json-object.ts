import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { isText } from './text.js'

const JsonObjectKind = 'VexaAdmin:JsonObject'

TypeRegistry.Set(JsonObjectKind, (_schema, value) => isPlainObject(value) && isJson(value, 1))

/**
 * The maximum number of levels of a JSON object. This is the limit of MariaDB, which is the lowest limit of all
 * supported databases.
 */
export const maxLevels = 31

// In UTF-8. This is the limit of MySQL. It applies to every database, so that data can move from any database to any
// other.
const maxBytesOfName = 65_535

/**
 * Returns the schema of a JSON object with at most 31 levels. All texts in the object must be well-formed and without
 * NUL. The name of a member has at most 65535 bytes.
 */
export function JsonObject (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> {
  return Type.Unsafe<Record<string, unknown>>({
    ...options,
    [Kind]: JsonObjectKind,
    [Expected]: `Expected a JSON object with at most ${maxLevels} levels and only well-formed text, ` +
      `whose names have at most ${maxBytesOfName} bytes`,
    type: 'object',
    additionalProperties: true
  })
}

/** Returns whether a value is a plain object, as `JSON.parse` creates it: not an array, a date or a class instance. */
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Returns whether JSON can express a value and every database can store it. */
function isJson (value: unknown, level: number): boolean {
  if (typeof value === 'string') return isText(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'boolean') return true
  if (level > maxLevels) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, level + 1))
  return isPlainObject(value) && Object.entries(value).every(([name, item]) =>
    name !== '__proto__' && isText(name) && hasValidLength(name) && isJson(item, level + 1))
}

function hasValidLength (name: string): boolean {
  // A UTF-16 code unit has at most three bytes in UTF-8, so most names need not be encoded.
  return name.length <= maxBytesOfName / 3 || Buffer.byteLength(name) <= maxBytesOfName
}
