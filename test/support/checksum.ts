import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** `text` and the six characters that make a token's end of it. */
export function withChecksum (text: string): string {
  let rest = crc32(text)
  const digits = Array.from({ length: 6 }, () => {
    const digit = alphabet[rest % 62]
    rest = Math.floor(rest / 62)
    return digit
  })
  return text + digits.reverse().join('')
}

/** Whether the last six characters of a token are the CRC-32 of all before them, in base 62. */
export function hasValidChecksum (token: string): boolean {
  return withChecksum(token.slice(0, -6)) === token
}
