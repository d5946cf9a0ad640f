import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

/**
 * Makes the path of a route's requests, as a client may send it again, from that of the route, which a prefix of the host may have given
 * parameters. Not the path that was sent, of which the router may have overlooked a good deal; and without a host, so that it holds behind proxies.
 */
export function pathOf (route: string): (request: FastifyRequest) => string {
  const segments = route.split('/')
  const plain = segments.map(encodeURIComponent).join('/')
  if (!segments.some((segment) => segment.startsWith(':'))) return () => plain
  return ({ params }) => segments
    .map((segment) => encodeURIComponent(segment.startsWith(':') ? String((params as Record<string, string>)[segment.slice(1)]) : segment))
    .join('/')
}

/** A `Link` header (RFC 8288) to the page behind the last user of this one. The total, which was told, is not asked for again. */
export function nextPage (path: string, { limit, order, search }: ListUsers, after: string): string {
  const query = new URLSearchParams({ after })
  if (limit !== undefined) query.set('limit', String(limit))
  if (order !== undefined) query.set('order', order)
  if (search !== undefined) query.set('search', search)
  return `<${path}?${query}>; rel="next"`
}
