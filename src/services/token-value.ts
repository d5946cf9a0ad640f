import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 30
const checksumLength = 6

/**
 * A new token value: `prefix`, 30 random characters of `[0-9A-Za-z]` (178 bits), and a checksum of 6 characters by
 * which secret scanners, and we, tell a token from a look-alike. The scheme is GitHub's:
 * https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
 */
export function createTokenValue (prefix: string): string {
  const body = prefix + randomCharacters(randomLength)
  return body + checksum(body)
}

/** Whether a value has the form of a token with one of these prefixes, its checksum included. What has not need not be looked up. */
export function isTokenValue (value: string, prefixes: readonly string[]): boolean {
  // All values have one length after their prefix, so that of two prefixes of which one begins with the other only one can be meant.
  const prefixLength = value.length - randomLength - checksumLength
  if (!prefixes.some((prefix) => prefix.length === prefixLength && value.startsWith(prefix))) return false
  return /^[0-9A-Za-z]+$/.test(value.slice(prefixLength)) && checksum(value.slice(0, -checksumLength)) === value.slice(-checksumLength)
}

/** All that is stored of a token: the SHA-256 of its value, 32 bytes. Unsalted and fast will do for 178 random bits. */
export function hashTokenValue (value: string): Buffer {
  return hash('sha256', value, 'buffer')
}

function randomCharacters (length: number): string {
  let characters = ''
  while (characters.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte; taking the rest too would favour the first characters.
      if (byte < 248 && characters.length < length) characters += alphabet[byte % 62]
    }
  }
  return characters
}

/** CRC-32 in base 62, most significant digit first, zero-padded. */
function checksum (text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < checksumLength; i++) {
    digits = alphabet.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
