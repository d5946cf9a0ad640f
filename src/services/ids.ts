/** What precedes the storage's key in an id on the wire. */
type Kind = 'user' | 'token'

export function toId (kind: Kind, key: string): string {
  return `${kind}-${key}`
}

/** The storage's key in an id; `undefined` for what cannot be an id, which is then simply not found. */
export function toKey (kind: Kind, id: string): string | undefined {
  const prefix = `${kind}-`
  if (typeof id !== 'string' || !id.startsWith(prefix)) return undefined
  const key = id.slice(prefix.length)
  return /^[\w-]{1,64}$/.test(key) ? key : undefined
}
