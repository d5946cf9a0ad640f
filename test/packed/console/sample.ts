import type { ImportLine } from '../../../src/index.js'
import { withChecksum } from '../../support/checksum.js'

const day = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString()

/** Text that a page must show as it is. */
export const hostile = '<img src=x onerror=alert(1)>'

const longAddress = `${'a-long-name'.repeat(5)}@${'sub-domain.'.repeat(17)}example`

/** Values of the sample's tokens. Their first 8 characters are stored. */
export const values = {
  ci: withChecksum('vex_cIcI0123456789abcdefghijklmnop'),
  backup: withChecksum('vex_bAcK0123456789abcdefghijklmnop')
}

/** Returns users and tokens in every state, with the longest and the strangest texts that the API accepts. */
export function sample (): ImportLine[] {
  const token = (n: number) => ({ user: 'jane', value: `sample-token-${n}` })
  return [
    { user: { ref: 'long', email: longAddress, name: 'W'.repeat(255) } },
    { user: { ref: 'hostile', email: "%3cb%3e'&amp@evil.example", name: hostile } },
    { user: { ref: 'disabled', email: 'disabled@example.com', disabled: true } },
    {
      user: {
        ref: 'jane',
        email: 'jane@example.com',
        name: 'Jane Doe',
        max_concurrent_bots: 7,
        data: { plan: 'pro', tags: ['a', 'b'], note: hostile, long: 'x'.repeat(200) },
        created_at: inDays(-400)
      }
    },
    { token: { user: 'jane', name: 'CI', value: values.ci, start: values.ci.slice(0, 8), scopes: ['bot', 'read'] } },
    { token: { user: 'hostile', name: 'Backup', value: values.backup, start: values.backup.slice(0, 8) } },
    { token: { ...token(1), name: hostile, expires_at: inDays(3), created_at: inDays(-100) } },
    { token: { ...token(2), name: 'N'.repeat(255), expires_at: inDays(60), last_used_at: inDays(-1) } },
    { token: { ...token(3), name: 'Expired', expires_at: inDays(-2), created_at: inDays(-99) } },
    { token: { ...token(4), name: 'Paused', disabled: true, created_at: inDays(-99), last_used_at: inDays(-95) } },
    { token: { ...token(5), created_at: inDays(-200) } }
  ]
}
