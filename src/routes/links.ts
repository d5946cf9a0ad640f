import type { FastifyReply, FastifyRequest } from 'fastify'

// References are relative, because a proxy may change the path of a request but does not rewrite `Location` and `Link`.

/**
 * Returns a reference to a user, for the `Location` of a reply to `POST /users`. A client resolves the reference
 * against the URL of its request. The last path segment comes from this URL, because `rewriteUrl` of the app may change
 * it. The URL may also end in a slash.
 */
export function toUser ({ originalUrl }: FastifyRequest, id: string): string {
  const path = pathOf(originalUrl)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? id : `${name}/${id}`
}

/** Adds a `Link` header to the next page if `more` is true. `items` are the items of this page. */
export function linkNextPage (
  reply: FastifyReply, query: object, items: ReadonlyArray<{ id: string }>, more: boolean
): void {
  const last = items.at(-1)
  if (more && last) reply.header('link', nextPage(query, last.id))
}

/**
 * Returns a `Link` header (RFC 8288) to the page that starts after the id `after`. The link keeps the other members of
 * the query, except for two. It leaves out `skip`, because `after` replaces it, and `count`, because the client has the
 * total already.
 */
function nextPage (query: object, after: string): string {
  const next = new URLSearchParams({ after })
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && !['after', 'skip', 'count'].includes(name)) next.set(name, String(value))
  }
  return `<?${next}>; rel="next"`
}

/**
 * Returns a `Link` header to the tokens of a user, for the reply to a request for the user. The path of this request
 * ends with the id of the user, or with `email/` and the `address` of the user.
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

/**
 * Returns the number of slashes in the last parameter of a path. A slash does not count if the client encoded it as
 * `%2F`.
 */
function slashesIn (path: string, parameter: string): number {
  const segments = path.replace(/\/+$/, '').split('/')
  const most = parameter.split('/').length - 1
  for (let slashes = most; slashes > 0; slashes--) {
    if (decodeURIComponent(segments.slice(-1 - slashes).join('/')) === parameter) return slashes
  }
  return 0
}
