import { hash } from 'node:crypto'

/**
 * Returns the name that events use for an admin key: the first 8 hexadecimal digits of its SHA-256. The fingerprint
 * does not reveal a random key, but it can confirm a guess.
 */
export function fingerprintAdminKey (adminKey: string): string {
  return hash('sha256', adminKey, 'hex').slice(0, 8)
}
