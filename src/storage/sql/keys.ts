/** The maximum number of keys in a list that `padKeys` pads. */
export const maxPaddedKeys = 512

/** Converts a key to an integer. Returns `undefined` if the key is not 1 to 2^53 - 1, or has leading zeros. */
export function toRowId (id: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(id)) return undefined
  const key = Number(id)
  return Number.isSafeInteger(key) ? key : undefined
}

/**
 * Returns the key of a row as text. A driver may return the key as a number, text or bigint.
 *
 * @throws {Error} if the key is not an integer from 1 to 2^53 - 1
 */
export function readKey (value: unknown): string {
  const key = String(value)
  const isKey = typeof value === 'number' ? Number.isSafeInteger(value) && value > 0 : toRowId(key) !== undefined
  if (!isKey) {
    throw new Error(`The database gave a row the key ${key}, which is not an integer from 1 to 2^53 - 1`)
  }
  return key
}

/**
 * Returns the keys, and repeats the first key until the length is 1, 2, 4, 8, and so on. Few different lengths keep the
 * number of prepared statements low. Returns longer lists as they are, because databases limit the number of
 * parameters.
 */
export function padKeys (keys: number[]): number[] {
  const length = 2 ** Math.ceil(Math.log2(keys.length))
  return length > maxPaddedKeys ? keys : [...keys, ...Array(length - keys.length).fill(keys[0])]
}
