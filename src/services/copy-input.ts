import { isPlainObject, maxLevels } from '../schemas/json-object.js'

// Stands for an object that contains itself. Each check rejects this value.
const circle = Symbol('circle')

/**
 * Returns a copy of an argument from the app's own code, with each member read once. The service checks and uses the
 * copy, because the app may change its object meanwhile, and a getter may return a different value each time.
 *
 * The copy has the own enumerable members. Values that JSON cannot express stay as they are, so that the check finds
 * them.
 */
export function copyInput<T> (input: T): T {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
  return isObject ? copyMembers(input, new Map(), 1) as T : input
}

function copyMembers (value: object, copies: Map<object, unknown>, level: number): object {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyJson(item, copies, level)]))
}

/** Returns a copy of a value that is part of an argument. `copies` has the copies so far, by their originals. */
function copyJson (value: unknown, copies: Map<object, unknown>, level: number): unknown {
  // The check rejects a value that has more levels than `data` may have.
  if (typeof value !== 'object' || value === null || level > maxLevels + 1) return value
  if (copies.has(value)) return copies.get(value)
  copies.set(value, circle)
  let copy: object = value
  if (Array.isArray(value)) copy = Array.from({ length: value.length }, (_, i) => copyJson(value[i], copies, level + 1))
  else if (isPlainObject(value)) copy = copyMembers(value, copies, level + 1)
  copies.set(value, copy)
  return copy
}
