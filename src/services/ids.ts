/** The kind of record that an id names. An id of the HTTP API is the kind, a hyphen, and the storage's key. */
type Kind = 'user' | 'token' | 'audit'

/** Returns the id of the record with this key. */
export function toId (kind: Kind, key: string): string {
  return `${kind}-${key}`
}

/**
 * Returns the key of the record that an id names: `7` for `user-7`. Returns `undefined` if the text cannot be an id of
 * this kind.
 */
export function toKey (kind: Kind, id: string): string | undefined {
  const prefix = `${kind}-`
  if (typeof id !== 'string' || !id.startsWith(prefix)) return undefined
  const key = id.slice(prefix.length)
  return /^[\w-]{1,64}$/.test(key) ? key : undefined
}
