import { isPlainObject, maxLevels } from '../schemas/json-object.js'

// In a copy, this symbol takes the place of an object that is inside itself. Each check rejects a copy with this
// symbol.
const circle = Symbol('circle')

/**
 * Returns a copy of an argument that the app's own code passes. The copy reads each member once. The service checks and
 * uses only the copy. The app may change its own object meanwhile, and a getter may return a different value each time.
 *
 * The copy has the own enumerable members of the argument. The copy keeps values that JSON cannot express, so that the
 * check of the service rejects them.
 */
export function copyInput<T> (input: T): T {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
  return isObject ? copyMembers(input, new Map(), 1) as T : input
}

function copyMembers (value: object, copies: Map<object, unknown>, level: number): object {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyJson(item, copies, level)]))
}

/**
 * Returns a copy of a value that is part of an argument. `copies` maps each object that has been copied to its copy.
 */
function copyJson (value: unknown, copies: Map<object, unknown>, level: number): unknown {
  // The check rejects a value with more levels than `data` may have, so deeper levels need no copy.
  if (typeof value !== 'object' || value === null || level > maxLevels + 1) return value
  if (copies.has(value)) return copies.get(value)
  copies.set(value, circle)
  let copy: object = value
  if (Array.isArray(value)) copy = Array.from({ length: value.length }, (_, i) => copyJson(value[i], copies, level + 1))
  else if (isPlainObject(value)) copy = copyMembers(value, copies, level + 1)
  copies.set(value, copy)
  return copy
}
