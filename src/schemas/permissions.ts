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

/** Schema of the permissions of an admin whom `authorize` accepts. The app may compute them, so they may be none. */
export const Permissions = Type.Array(OneOf(allPermissions), {
  uniqueItems: true,
  [Expected]: `Expected an array of any of ${allPermissions.join(', ')}, without duplicates`
})

/** Schema of the permissions of an admin key. A key without any would be a mistake. */
export const KeyPermissions = Type.Array(OneOf(allPermissions), {
  minItems: 1,
  uniqueItems: true,
  [Expected]: `Expected an array of one or more of ${allPermissions.join(', ')}, without duplicates`
})
