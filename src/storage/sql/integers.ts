/**
 * Returns the integer that a driver returned as a number, text, bigint or boolean.
 *
 * @throws {Error} if it is anything else, or an integer that JavaScript cannot represent
 */
export function toInteger (value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const isText = typeof value === 'string' && /^-?\d+$/.test(value)
  const integer = typeof value === 'bigint' || typeof value === 'boolean' || isText ? Number(value) : NaN
  if (!Number.isSafeInteger(integer)) {
    throw new Error('The database returned a value that is not an integer within 2^53')
  }
  return integer
}
