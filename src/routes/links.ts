import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

// References are relative, because a proxy may have changed the path of the request, and passes these headers on as they are.

/**
 * Returns a reference to a user, for the `Location` of a reply to `POST /users`. It resolves against the URL that the client sent, also where
 * that ends in a slash, or where the app's `rewriteUrl` has made `users` of another name.
 */
export function toUser ({ originalUrl }: FastifyRequest, id: string): string {
  const [path = ''] = originalUrl.split(/[?;]/, 1)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? id : `${name}/${id}`
}

/** Returns a `Link` header (RFC 8288) to the page after `after`. The total, which this page told, is not asked for again. */
export function nextPage ({ limit, order, search }: ListUsers, after: string): string {
  const query = new URLSearchParams({ after })
  if (limit !== undefined) query.set('limit', String(limit))
  if (order !== undefined) query.set('order', order)
  if (search !== undefined) query.set('search', search)
  return `<?${query}>; rel="next"`
}
