/**
 * Returns the query of the link to the next page in a `Link` header (RFC 8288), or `undefined` if it has none. The path
 * of the link is ignored, so that no reply can make the page send the admin key elsewhere.
 */
export function nextQuery (header: string | null): string | undefined {
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    const [, quoted, plain = ''] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters) ?? []
    const relations = (quoted ?? plain).toLowerCase().split(/\s+/)
    if (relations.includes('next')) return new URL(target, 'http://api').search
  }
  return undefined
}
