import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 30
const checksumLength = 6

/**
 * Creates a token value: `prefix`, 30 random characters of `[0-9A-Za-z]` (178 bits), and a checksum of 6 characters.
 * The checksum lets this package and secret scanners recognise a token. The scheme is GitHub's:
 * https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
 */
export function createTokenValue (prefix: string): string {
  const body = prefix + randomCharacters(randomLength)
  return body + checksum(body)
}

/** Returns whether a value has one of the given prefixes, the form of createTokenValue, and a correct checksum. */
export function isTokenValue (value: string, prefixes: readonly string[]): boolean {
  // The part after the prefix has a fixed length, so at most one prefix fits. This is true even if one prefix begins
  // with another.
  const prefixLength = value.length - randomLength - checksumLength
  if (!prefixes.some((prefix) => prefix.length === prefixLength && value.startsWith(prefix))) return false
  return /^[0-9A-Za-z]+$/.test(value.slice(prefixLength)) &&
    checksum(value.slice(0, -checksumLength)) === value.slice(-checksumLength)
}

/** The options of the app that tell which values may be tokens. */
export interface TokenFormOptions {
  /** The prefixes of values that this package creates. */
  tokenPrefix: readonly string[]
  /**
   * The forms of values that this package did not create. Each expression matches only whole values, and keeps no
   * state.
   */
  legacyTokens: readonly RegExp[]
}

/** Creates a function that returns whether a value may be a token. Any other value can be rejected without a query. */
export function createTokenForm ({ tokenPrefix, legacyTokens }: TokenFormOptions): (value: string) => boolean {
  const isOurs = (value: string) => isTokenValue(value, tokenPrefix)
  if (legacyTokens.length === 0) return isOurs
  return (value) => isOurs(value) || (isLegacyValue(value) && legacyTokens.some((form) => form.test(value)))
}

/**
 * Returns whether a value that this package did not create can be a token: 1 to 255 printable ASCII characters without
 * spaces. A header cannot carry other characters unchanged.
 */
export function isLegacyValue (value: string): boolean {
  return /^[!-~]{1,255}$/.test(value)
}

/**
 * Returns the SHA-256 of a token value: 32 bytes. The storage keeps this hash in place of the value. A salt and a slow
 * hash are unnecessary, because a value has 178 random bits.
 */
export function hashTokenValue (value: string): Buffer {
  // Text of one byte per character takes half the time of hash(…, 'buffer').
  return Buffer.from(hash('sha256', value, 'binary'), 'latin1')
}

function randomCharacters (length: number): string {
  let characters = ''
  while (characters.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 below 256. Bytes from 248 on would make the first characters more frequent.
      if (byte < 248 && characters.length < length) characters += alphabet[byte % 62]
    }
  }
  return characters
}

/** Returns the CRC-32 of a text in base 62: 6 digits, the most significant first, zero-padded. */
function checksum (text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < checksumLength; i++) {
    digits = alphabet.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
