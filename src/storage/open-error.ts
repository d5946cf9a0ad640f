import { StorageOpenError } from '../errors.js'

/** What a storage could not be opened for, as an error of ours: with a code, and what was thrown as its `cause`. */
export function toOpenError (cause: unknown): unknown {
  if (!(cause instanceof Error)) return new StorageOpenError(String(cause), { cause })
  const isOurs = 'code' in cause && String(cause.code).startsWith('VEXA_ADMIN_ERR_')
  return isOurs ? cause : new StorageOpenError(cause.message, { cause })
}
