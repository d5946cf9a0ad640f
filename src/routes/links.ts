import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

// References are relative, because a proxy may change the path of a request, and forwards these headers unchanged.

/**
 * Returns a reference to a user, for the `Location` of a reply to `POST /users`. It resolves against the URL that
 * the client sent, even if that URL ends in a slash, or if the `rewriteUrl` of the app changes its last name.
 */
export function toUser ({ originalUrl }: FastifyRequest, id: string): string {
  const [path = ''] = originalUrl.split(/[?;]/, 1)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? id : `${name}/${id}`
}

/** Returns a `Link` header (RFC 8288) to the page after `after`. It leaves `count` out, because one page counts. */
export function nextPage ({ limit, order, search }: ListUsers, after: string): string {
  const query = new URLSearchParams({ after })
  if (limit !== undefined) query.set('limit', String(limit))
  if (order !== undefined) query.set('order', order)
  if (search !== undefined) query.set('search', search)
  return `<?${query}>; rel="next"`
}
