import { hash } from 'node:crypto'

/**
 * Form of an admin key. A key has no space and no comma. Node joins repeated headers with both, so the joined text is
 * never a key.
 */
export const adminKeyForm = /^[!-+\--~]{16,}$/

/**
 * Returns the name that events use for an admin key without a name: the first 8 hexadecimal digits of its SHA-256. The
 * fingerprint does not reveal a random key, but can confirm a guess of a weak key.
 */
export function fingerprintAdminKey (adminKey: string): string {
  return hash('sha256', adminKey, 'hex').slice(0, 8)
}
