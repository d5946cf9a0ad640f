import { hash } from 'node:crypto'

/** By which an admin key is told from the others in events: the first eight hexadecimal digits of its SHA-256. Of a key that can be guessed it would confirm a guess. */
export function fingerprintAdminKey (adminKey: string): string {
  return hash('sha256', adminKey, 'hex').slice(0, 8)
}
