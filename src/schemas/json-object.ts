import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { isText } from './text.js'

const JsonObjectKind = 'VexaAdmin:JsonObject'

TypeRegistry.Set(JsonObjectKind, (_schema, value) => isPlainObject(value) && isJson(value, 1))

// How deep MariaDB's JSON goes, of all databases here the least.
const maxLevels = 31

/** A JSON object of the host's own: at most 31 levels deep, its text well-formed and without NUL. */
export function JsonObject (options: SchemaOptions = {}): TUnsafe<Record<string, unknown>> {
  return Type.Unsafe<Record<string, unknown>>({
    ...options,
    [Kind]: JsonObjectKind,
    [Expected]: `Expected a JSON object of at most ${maxLevels} levels of well-formed text`,
    type: 'object',
    additionalProperties: true
  })
}

/** Returns whether a value is an object as JSON or a literal makes it, and no array, date, map or instance of a class. */
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

// What JSON can say and every database can keep.
function isJson (value: unknown, level: number): boolean {
  if (typeof value === 'string') return isText(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'boolean') return true
  if (level > maxLevels) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, level + 1))
  return isPlainObject(value) && Object.entries(value).every(([name, item]) => name !== '__proto__' && isText(name) && isJson(item, level + 1))
}
