import type { FastifyRequest } from 'fastify'
import type { ListUsers } from '../schemas/users.js'

/**
 * Makes the path of a route's requests, as a client may send it again, from that of the route, which a prefix of the host may have given
 * parameters. Not the path that was sent, of which the router may have overlooked a good deal; and without a host, so that it holds behind proxies.
 */
export function pathOf (route: string): (request: FastifyRequest) => string {
  const parts = partsOf(route)
  if (parts.every(({ parameter }) => parameter === undefined)) {
    const plain = parts.map(({ text }) => text).join('')
    return () => plain
  }
  return ({ params }) => parts
    .map(({ text, parameter }) => parameter === undefined ? text : encodeURIComponent(String((params as Record<string, string>)[parameter])))
    .join('')
}

/** The parts of a route as the router reads it: text, and parameters, of which a segment may have several, each with a regular expression of its own. */
function partsOf (route: string): Array<{ text: string, parameter?: string }> {
  const parts = []
  for (let rest = route; rest !== '';) {
    // A doubled colon is one that is meant.
    const [part = '', text = '', parameter] = /^(?:((?:[^:]|::)+)|:([^-./(]*))/.exec(rest) as RegExpExecArray
    parts.push({ text: encodeURI(text.replaceAll('::', ':')), ...(parameter !== undefined && { parameter }) })
    rest = rest.slice(part.length)
    if (parameter !== undefined) rest = rest.slice(lengthOfPattern(rest))
  }
  return parts
}

/** How much of a text is the regular expression in parentheses that it begins with, which holds others. */
function lengthOfPattern (text: string): number {
  if (!text.startsWith('(')) return 0
  let depth = 0
  let length = 0
  do {
    if (text[length] === '\\') length++
    else if (text[length] === '(') depth++
    else if (text[length] === ')') depth--
    length++
  } while (depth > 0 && length < text.length)
  return length
}

/** A `Link` header (RFC 8288) to the page behind the last user of this one. The total, which was told, is not asked for again. */
export function nextPage (path: string, { limit, order, search }: ListUsers, after: string): string {
  const query = new URLSearchParams({ after })
  if (limit !== undefined) query.set('limit', String(limit))
  if (order !== undefined) query.set('order', order)
  if (search !== undefined) query.set('search', search)
  return `<${path}?${query}>; rel="next"`
}
