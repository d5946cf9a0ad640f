/**
 * Converts a number, text, bigint or boolean from a driver to an integer.
 *
 * @throws {Error} if the value is anything else, or an integer that JavaScript cannot represent exactly
 */
export function toInteger (value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const isText = typeof value === 'string' && /^-?\d+$/.test(value)
  const integer = typeof value === 'bigint' || typeof value === 'boolean' || isText ? Number(value) : NaN
  if (!Number.isSafeInteger(integer)) {
    throw new Error('The database returned a value that is not an integer from -(2^53 - 1) to 2^53 - 1')
  }
  return integer
}
