/**
 * Returns the integer that a driver gives as a number, text, bigint or boolean.
 *
 * @throws {Error} if it gives anything else, or an integer that JavaScript cannot keep
 */
export function toInteger (value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const integer = typeof value === 'bigint' || typeof value === 'boolean' || (typeof value === 'string' && /^-?\d+$/.test(value)) ? Number(value) : NaN
  if (!Number.isSafeInteger(integer)) throw new Error('The database gave back something else where there must be an integer within 2^53')
  return integer
}
