import type { FastifyReply, FastifyRequest } from 'fastify'

// References are relative, because a proxy may change the path of a request but does not rewrite `Location` and `Link`.

/**
 * Returns a reference to a user, for the `Location` of a reply to `POST /users`. Clients resolve the reference against
 * the URL that they sent. This URL may end in a slash, and the app's `rewriteUrl` may change its last path segment.
 */
export function toUser ({ originalUrl }: FastifyRequest, id: string): string {
  const path = pathOf(originalUrl)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? id : `${name}/${id}`
}

/** Adds a `Link` header to the page after these items, if `more` items follow. */
export function linkNextPage (
  reply: FastifyReply, query: object, items: ReadonlyArray<{ id: string }>, more: boolean
): void {
  const last = items.at(-1)
  if (more && last) reply.header('link', nextPage(query, last.id))
}

/**
 * Returns a `Link` header (RFC 8288) to the page after `after`. The link keeps the other members of the query. It
 * leaves out `skip`, and also `count`, because one page with the total is enough.
 */
function nextPage (query: object, after: string): string {
  const next = new URLSearchParams({ after })
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && !['after', 'skip', 'count'].includes(name)) next.set(name, String(value))
  }
  return `<?${next}>; rel="next"`
}

/**
 * Returns a `Link` header to the tokens of a user, for the reply to a request for the user. The path of that request
 * ends with the id or, after `email/`, with `address`.
 */
export function tokensOf ({ originalUrl, url }: FastifyRequest, id: string, address?: string): string {
  const path = pathOf(originalUrl)
  const slashesAtEnd = path.length - path.replace(/\/+$/, '').length
  const levels = slashesAtEnd + (address === undefined ? 0 : 1 + slashesIn(pathOf(url), address))
  return `<${'../'.repeat(levels)}${id}/tokens>; rel="tokens"`
}

function pathOf (url: string): string {
  return url.split(/[?;]/, 1)[0] as string
}

/** Returns the number of slashes in the last parameter of a path. A slash that the client encoded does not count. */
function slashesIn (path: string, parameter: string): number {
  const segments = path.replace(/\/+$/, '').split('/')
  const most = parameter.split('/').length - 1
  for (let slashes = most; slashes > 0; slashes--) {
    if (decodeURIComponent(segments.slice(-1 - slashes).join('/')) === parameter) return slashes
  }
  return 0
}
