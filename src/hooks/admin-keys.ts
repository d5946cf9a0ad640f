import { hash } from 'node:crypto'

/**
 * Returns the name of an admin key in events: the first 8 hexadecimal digits of its SHA-256. If a key can be guessed,
 * its fingerprint confirms the guess.
 */
export function fingerprintAdminKey (adminKey: string): string {
  return hash('sha256', adminKey, 'hex').slice(0, 8)
}
