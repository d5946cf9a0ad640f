import type { UpdateUser, User } from '../schemas/users.js'

type Data = Record<string, unknown>

/**
 * Name of the member of `data` that holds `image_url` of a user. Vexa has a column for it, so the name must not be one
 * that Vexa's clients use in `data`.
 */
export const imageName = 'vexa_image_url'

/** Returns the `data` of a user as Vexa's clients see it: without the image, and without the secret of the webhook. */
export function visibleData ({ data = {} }: User): Data {
  const { [imageName]: _image, webhook_secret: _secret, ...visible } = data
  return visible
}

/** Returns the address of the user's image, or `null`. */
export function imageOf ({ data }: User): string | null {
  const image = data?.[imageName]
  return typeof image === 'string' ? image : null
}

/**
 * Returns changes that replace members of `data`, each as a whole. A member that is `undefined` is removed, and `null`
 * is kept. Returns no changes if there are no members.
 */
export function changeData ({ data }: User, members: Data): UpdateUser {
  if (Object.keys(members).length === 0) return {}
  const changed = { ...data, ...members }
  return { data: Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) }
}
