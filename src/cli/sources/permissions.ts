import { note, type SourceLine } from './source-line.js'

/**
 * The scope of a token whose key has no permissions in the other system, while other keys of that system have
 * permissions.
 */
const noPermission = 'none'

/** The scopes of a token, and the permissions that cannot be scopes. */
export interface MappedPermissions {
  /** If `undefined`, the token may do everything. */
  scopes: string[] | undefined
  invalid: string[]
}

/** The number of keys without permissions, and the number of keys with a rate limit. */
export interface LimitCounts {
  withoutPermission: number
  rateLimited: number
}

/** Returns whether a name has the form of a scope in RFC 6749, section 3.3. */
export function isScope (name: string): boolean {
  return /^[!#-[\]-~]{1,64}$/.test(name)
}

/**
 * Turns the permissions of a key into the scopes of a token. A key without permissions may do nothing that needs a
 * permission, but a token without scopes may do everything. So the token of such a key gets the scope `none`. If no key
 * of the system has permissions, the token gets no scopes.
 */
export function toScopes (permissions: string[], usesPermissions: boolean, counts: LimitCounts): MappedPermissions {
  const names = [...new Set(permissions)]
  const scopes = names.filter(isScope)
  if (scopes.length === 0 && usesPermissions) {
    scopes.push(noPermission)
    counts.withoutPermission++
  }
  return { scopes: scopes.length > 0 ? scopes : undefined, invalid: names.filter((name) => !isScope(name)) }
}

/** Yields a note for each count that is not 0. */
export function * limitNotes ({ withoutPermission, rateLimited }: LimitCounts): Generator<SourceLine> {
  if (withoutPermission > 0) {
    yield note(undefined, `${withoutPermission} keys have no permissions: their tokens get the scope ${noPermission}.`)
  }
  if (rateLimited > 0) {
    yield note(undefined, `${rateLimited} keys have a rate limit, and tokens have none: limit requests in the app.`)
  }
}
