import { hash } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { check } from './check-options.js'
import { adminKeyForm, fingerprintAdminKey } from './hooks/admin-keys.js'
import { permissionsOf } from './hooks/admin.js'
import type { KnownAdminKey } from './hooks/require-admin.js'
import type { AdminKey, VexaAdminOptions } from './options.js'
import { Expected } from './schemas/annotations.js'
import { Actor } from './schemas/change-options.js'
import { allPermissions, KeyPermissions } from './schemas/permissions.js'
import { compile } from './schemas/validator.js'

const remedy = 'Create a key with: openssl rand -hex 32'

const failureOfKey = compile(Type.Object({
  name: Actor,
  key: Type.Optional(Type.RegExp(adminKeyForm, {
    [Expected]: `Expected at least 16 printable ASCII characters, with no space or comma. ${remedy}`
  })),
  sha256: Type.Optional(Type.RegExp(/^[0-9a-f]{64}$/i, {
    [Expected]: 'Expected 64 hexadecimal digits, as from: printf %s "$KEY" | sha256sum | cut -c 1-64'
  })),
  permissions: Type.Optional(KeyPermissions)
}, {
  additionalProperties: false,
  [Expected]: (_value: unknown, path: string) =>
    path === '' ? 'Expected a key, or an object such as { name, key }' : undefined
}))

/**
 * Returns the admin keys as the plugin keeps them in memory: as digests, without the keys themselves.
 *
 * @throws {InvalidOptionError} if a key is wrong, or two keys are the same. No message contains a key
 */
export function resolveAdminKeys (adminKeys: VexaAdminOptions['adminKeys']): readonly KnownAdminKey[] {
  check(adminKeys !== undefined, 'neither `adminKeys` nor `authorize` is set: ' +
    `is the environment variable of the key set? ${remedy}`)
  check(typeof adminKeys === 'string' || (Array.isArray(adminKeys) && adminKeys.length > 0),
    `\`adminKeys\` must be a key, or an array of at least one key. ${remedy}`)
  const given = typeof adminKeys === 'string' ? [adminKeys] : [...adminKeys]
  const keys = given.map((key, i) => typeof key === 'string' ? unnamedKey(key) : namedKey(key, i))
  const digests = new Set(keys.map(({ digest }) => digest.toString('hex')))
  const actors = new Set(keys.map(({ admin }) => admin.actor))
  check(digests.size === keys.length, 'two of `adminKeys` are the same key: give each admin a key of its own')
  check(actors.size === keys.length, 'two of `adminKeys` have the same name: give each key a name of its own')
  check(keys.every(({ admin: { name } }) => name === null || !digests.has(hash('sha256', name))),
    'a `name` in `adminKeys` is one of the keys: choose another name, because events and replies contain it')
  return keys
}

function unnamedKey (key: string): KnownAdminKey {
  check(adminKeyForm.test(key),
    `each of \`adminKeys\` must have at least 16 printable ASCII characters, with no space or comma. ${remedy}`)
  return {
    digest: hash('sha256', key, 'buffer'),
    admin: { name: null, actor: fingerprintAdminKey(key), permissions: allPermissions }
  }
}

function namedKey (given: AdminKey, i: number): KnownAdminKey {
  const failure = failureOfKey(given)
  check(failure === undefined, `\`adminKeys[${i}]${failure?.instancePath}\` is wrong: ${failure?.message}`)
  const { name, key, sha256 } = given
  check((key === undefined) !== (sha256 === undefined), `\`adminKeys[${i}]\` must have either \`key\` or \`sha256\`: ` +
    `is the environment variable of the key set? ${remedy}`)
  const digest = key === undefined ? Buffer.from(sha256 as string, 'hex') : hash('sha256', key, 'buffer')
  check(!digest.equals(hash('sha256', '', 'buffer')), `\`adminKeys[${i}].sha256\` is the SHA-256 of an empty text: ` +
    'was the variable of the key set when you computed it?')
  return { digest, admin: { name, actor: name, permissions: permissionsOf(given) } }
}
