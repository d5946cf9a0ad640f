import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

/**
 * The path of a request, as a client may send it again: that of its route, which a prefix of the host may have given parameters.
 * Not the path that was sent, of which the router may have overlooked a good deal; and without a host, so that it holds behind proxies.
 */
export function pathOf ({ routeOptions, params }: FastifyRequest): string {
  const values = params as Record<string, string>
  return String(routeOptions.url).split('/')
    .map((segment) => encodeURIComponent(segment.startsWith(':') ? String(values[segment.slice(1)]) : segment))
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
