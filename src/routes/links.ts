import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

// References are relative, because a proxy may change the path of a request but does not rewrite `Location` and `Link`.

/**
 * Returns a reference to a user, for the `Location` of a reply to `POST /users`. It resolves against the URL that
 * the client sent, even if that URL ends in a slash, or if the app's `rewriteUrl` changes its last path segment.
 */
export function toUser ({ originalUrl }: FastifyRequest, id: string): string {
  const [path = ''] = originalUrl.split(/[?;]/, 1)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? id : `${name}/${id}`
}

/** Returns a `Link` header (RFC 8288) to the page after `after`. It omits `count`: only one page needs the total. */
export function nextPage ({ limit, order, search, disabled }: ListUsers, after: string): string {
  const query = new URLSearchParams({ after })
  if (limit !== undefined) query.set('limit', String(limit))
  if (order !== undefined) query.set('order', order)
  if (search !== undefined) query.set('search', search)
  if (disabled !== undefined) query.set('disabled', String(disabled))
  return `<?${query}>; rel="next"`
}
