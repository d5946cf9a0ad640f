import { createHash, randomBytes } from 'node:crypto'
import { fingerprintAdminKey } from '../../index.js'
import { defineCommand } from '../command.js'

export const key = defineCommand({
  summary: 'Create an admin key',
  details: 'Prints the key on stdout, and its SHA-256 on stderr. Nothing is stored. The app takes the key in its ' +
    'option adminKeys, or { name, sha256 } with the SHA-256 alone. The audit trail names a key without a name by its ' +
    'fingerprint.',
  arguments: [],
  options: {},
  examples: [
    ['Create an admin key for this shell', 'export ADMIN_API_KEY=$(npx fastify-vexa-admin key)'],
    ['Create an admin key, and print its SHA-256 as JSON', 'npx fastify-vexa-admin key --json']
  ],
  async run ({ output }) {
    const key = randomBytes(24).toString('base64url')
    const sha256 = createHash('sha256').update(key).digest('hex')
    const fingerprint = fingerprintAdminKey(key)
    await output.secret({ key, sha256, fingerprint }, key, `SHA-256: ${sha256}`, 'The key could not be written')
  }
})
