import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Returns the text with the checksum of a token: six characters. */
export function withChecksum (text: string): string {
  let rest = crc32(text)
  const digits = Array.from({ length: 6 }, () => {
    const digit = alphabet[rest % 62]
    rest = Math.floor(rest / 62)
    return digit
  })
  return text + digits.reverse().join('')
}

/** Returns whether the last six characters of a token are the CRC-32 of all before them, in base 62. */
export function hasValidChecksum (token: string): boolean {
  return withChecksum(token.slice(0, -6)) === token
}
