import { InvalidInputError } from '../errors.js'

/**
 * Returns the `data` of a user or token.
 *
 * @throws {InvalidInputError} 400 if `data` has more than `maxDataSize` bytes as JSON
 */
export function checkDataSize<T extends object | null> (data: T, maxDataSize: number): T {
  if (data !== null && Buffer.byteLength(JSON.stringify(data)) > maxDataSize) {
    throw new InvalidInputError(`data must be at most ${maxDataSize} bytes as JSON`)
  }
  return data
}
