/** Number of characters after the prefix of a value: 30 random characters, and 6 characters of the checksum. */
export const randomPartLength = 36

/** A prefix with the maximum length that the option `tokenPrefix` accepts. */
export const longestPrefix = '_'.repeat(32)

/** Returns the prefix of a value. Returns `undefined` if the text does not have the form of values of this package. */
export function prefixOfValue (value: string): string | undefined {
  return /^([\w-]{1,32})[0-9A-Za-z]{36}$/.exec(value)?.[1]
}

/**
 * Returns the prefix that the `start` of a token shows. A start of this package is a prefix and 4 more characters.
 * Returns `undefined` unless the prefix ends in `_` or `-`. Without such a separator, the start may come from another
 * system.
 */
export function prefixOfStart (start: string): string | undefined {
  return /^([\w-]{0,31}[_-])[0-9A-Za-z]{4}$/.exec(start)?.[1]
}
