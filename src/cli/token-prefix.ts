/** Number of the characters after the prefix of a value: 30 random characters and 6 of the checksum. */
export const randomPartLength = 36

/** A prefix of the greatest length that the option `tokenPrefix` accepts. */
export const longestPrefix = '_'.repeat(32)

/** Returns the prefix of a value, or `undefined` if the text cannot be a value. */
export function prefixOfValue (value: string): string | undefined {
  return /^([\w-]{1,32})[0-9A-Za-z]{36}$/.exec(value)?.[1]
}

/**
 * Returns the prefix that the `start` of a token shows, or `undefined` if another system may have written the start.
 * This package writes a prefix and 4 more characters. Only a separator shows where the prefix ends.
 */
export function prefixOfStart (start: string): string | undefined {
  return /^([\w-]{0,31}[_-])[0-9A-Za-z]{4}$/.exec(start)?.[1]
}
