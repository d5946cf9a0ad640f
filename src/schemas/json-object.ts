import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { isText } from './text.js'

const JsonObjectKind = 'VexaAdmin:JsonObject'

TypeRegistry.Set(JsonObjectKind, (_schema, value) => isPlainObject(value) && isJson(value, 1))

// MariaDB has this limit, the lowest of all supported databases.
const maxLevels = 31

/** Returns the schema of a JSON object with at most 31 levels, whose text is well-formed and without NUL. */
export function JsonObject (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> {
  return Type.Unsafe<Record<string, unknown>>({
    ...options,
    [Kind]: JsonObjectKind,
    [Expected]: `Expected a JSON object with at most ${maxLevels} levels and only well-formed text`,
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
    name !== '__proto__' && isText(name) && isJson(item, level + 1))
}
