import { Type } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { OneOf } from './primitives.js'

/**
 * The permissions that an admin key may have. Each permission allows these requests:
 *
 * - `read`: each `GET` and `HEAD`, except those of the audit trail;
 * - `users`: create, update, disable and delete users;
 * - `tokens`: create, update, rotate, revoke and prune tokens;
 * - `verify`: verify and introspect tokens;
 * - `audit`: read the audit trail.
 */
export const allPermissions = ['read', 'users', 'tokens', 'verify', 'audit'] as const
export type Permission = typeof allPermissions[number]

/**
 * Schema of the permissions of an admin that `authorize` accepts. The array may be empty, because the app may compute
 * the permissions of each admin.
 */
export const Permissions = Type.Array(OneOf(allPermissions), {
  uniqueItems: true,
  [Expected]: `Expected an array of any of ${allPermissions.join(', ')}, without duplicates`
})

/**
 * Schema of the permissions of an admin key. The array must not be empty, because a key without permissions would be
 * useless.
 */
export const KeyPermissions = Type.Array(OneOf(allPermissions), {
  minItems: 1,
  uniqueItems: true,
  [Expected]: `Expected an array of one or more of ${allPermissions.join(', ')}, without duplicates`
})
