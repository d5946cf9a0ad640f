import { UserNotFoundError } from '../errors.js'
import type { Storage } from '../storage/storage-adapter.js'
import { toKey } from './ids.js'

/**
 * Returns the key of an existing user.
 *
 * @throws {UserNotFoundError} 404 if there is no user with this id
 */
export async function findUserKey (storage: Pick<Storage, 'findUser'>, userId: string): Promise<string> {
  const key = toKey('user', userId)
  const user = key === undefined ? undefined : await storage.findUser(key)
  if (user === undefined) throw new UserNotFoundError()
  return user.id
}
