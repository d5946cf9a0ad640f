export type Screen = 'users' | 'user' | 'tokens' | 'audit'

/** A place in the console, as the hash of the URL names it. */
export interface Route {
  screen: Screen
  /** Id of the user on the screens `user` and `audit`. May be empty on the latter. */
  id: string
}

/**
 * Returns the place that a hash names: `#/users`, `#/users/user-12`, `#/tokens`, `#/audit`, or `#/audit/user-12` for
 * the changes of one user. Returns the list of users if the hash names no place. The URL has no filters, because they
 * may be e-mail addresses.
 */
export function readRoute (hash: string): Route {
  const [, name, id = ''] = /^#\/(users|tokens|audit)(?:\/([\w-]{1,80}))?$/.exec(hash) ?? []
  if (name === 'users' && id !== '') return { screen: 'user', id }
  return name === 'audit' ? { screen: name, id } : { screen: name === 'tokens' ? name : 'users', id: '' }
}

/** Returns the hash of a place. */
export function hashOf (screen: Screen, id = ''): string {
  return `#/${screen === 'user' ? 'users' : screen}${id && `/${id}`}`
}
