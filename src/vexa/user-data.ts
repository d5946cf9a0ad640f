import type { UpdateUser, User } from '../schemas/users.js'

type Data = Record<string, unknown>

/**
 * Name of the member of `data` that holds the `image_url` of a user. Vexa keeps the image in a column and not in
 * `data`, so no client of Vexa may use the same name in `data`.
 */
export const imageName = 'vexa_image_url'

/** Returns the `data` of a user as Vexa's clients see it: without the image, and without the secret of the webhook. */
export function visibleData ({ data = {} }: User): Data {
  const { [imageName]: _image, webhook_secret: _secret, ...visible } = data
  return visible
}

/** Returns the URL of the user's image, or `null` if the user has no image. */
export function imageOf ({ data }: User): string | null {
  const image = data?.[imageName]
  return typeof image === 'string' ? image : null
}

/**
 * Returns the changes that replace the given members of `data`, each as a whole. If a given member is `undefined`, the
 * changes remove it. If a given member is `null`, they store `null`. If `members` is empty, returns an empty object.
 */
export function changeData ({ data }: User, members: Data): UpdateUser {
  if (Object.keys(members).length === 0) return {}
  const changed = { ...data, ...members }
  return { data: Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) }
}
