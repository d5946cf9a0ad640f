import { hash } from 'node:crypto'

/** Form of an admin key. It has no space and no comma, so that repeated headers, which Node joins, are never a key. */
export const adminKeyForm = /^[!-+\--~]{16,}$/

/**
 * Returns the name that events use for an admin key without a name: the first 8 hexadecimal digits of its SHA-256. The
 * fingerprint does not reveal a random key, but it can confirm a guess.
 */
export function fingerprintAdminKey (adminKey: string): string {
  return hash('sha256', adminKey, 'hex').slice(0, 8)
}
