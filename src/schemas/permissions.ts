import { Type } from '@sinclair/typebox'
import { Expected } from './annotations.js'
import { OneOf } from './primitives.js'

/**
 * The permissions that an admin key may have. Each allows these requests:
 *
 * - `read`: each `GET` and `HEAD`, except `/audit`;
 * - `users`: create, update, disable and delete users;
 * - `tokens`: create, rotate and revoke tokens;
 * - `verify`: verify tokens;
 * - `audit`: read the audit trail.
 */
export const allPermissions = ['read', 'users', 'tokens', 'verify', 'audit'] as const
export type Permission = typeof allPermissions[number]

/** Schema of the permissions of an admin key. */
export const Permissions = Type.Array(OneOf(allPermissions), {
  minItems: 1,
  uniqueItems: true,
  [Expected]: `Expected an array of one or more of ${allPermissions.join(', ')}, without duplicates`
})
