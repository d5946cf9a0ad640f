import { StorageOpenError } from '../errors.js'

/**
 * Returns the error to throw if the method `open` of a storage throws `cause`. Returns `cause` itself if it is an error
 * of this package, and otherwise a StorageOpenError with this `cause`.
 */
export function toOpenError (cause: unknown): unknown {
  if (!(cause instanceof Error)) return new StorageOpenError(String(cause), { cause })
  const isOurs = 'code' in cause && String(cause.code).startsWith('VEXA_ADMIN_ERR_')
  if (isOurs) return cause
  // The message of `cause` is empty if a host has several addresses and none of them answers.
  return new StorageOpenError(cause.message || String((cause as { code?: unknown }).code), { cause })
}
