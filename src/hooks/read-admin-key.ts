import type { FastifyRequest } from 'fastify'
import { countHeaders } from './count-headers.js'

/** Name of the decorator that marks a Fastify scope whose routes also read the admin key from HTTP Basic. */
export const basicScope = Symbol('basicScope')

/**
 * The challenge of a 401. The scheme `ApiKey` is not registered: no registered scheme describes a key in a separate
 * header.
 */
export const keyChallenge = 'ApiKey realm="admin", header="X-Admin-API-Key"'

/** An admin key that a request sends, and the user name that the request sends with the key. */
export interface AdminCredentials {
  /** The admin key. An empty string if the request has none. */
  key: string
  /** The user name of HTTP Basic. Absent if the key is from `X-Admin-API-Key`. */
  userName?: string
}

/**
 * Returns the texts that can be the admin key of a request. If `X-Admin-API-Key` is set, only its value counts.
 * Otherwise, a route that accepts HTTP Basic takes the password. It reads user name and password in two ways:
 * unchanged, and with their form encoding decoded.
 */
export function readAdminKey (request: FastifyRequest): AdminCredentials[] {
  const header = request.headers['x-admin-api-key']
  // Node joins repeated headers with a comma. No key contains a comma.
  if (header !== undefined) return [{ key: String(header) }]
  const sent = acceptsBasic(request) ? readBasic(request) : undefined
  return sent === undefined ? [{ key: '' }] : [sent, ...decoded(sent)]
}

/** Returns the value of `WWW-Authenticate` for a request without a valid admin key. */
export function challengeFor (request: FastifyRequest): string | string[] {
  return acceptsBasic(request) ? [keyChallenge, 'Basic realm="admin"'] : keyChallenge
}

/**
 * Returns whether a request may send its admin key by HTTP Basic. A request from a browser may not: a browser adds such
 * credentials by itself, even if a page of another origin makes the request.
 */
function acceptsBasic ({ server, headers }: FastifyRequest): boolean {
  return server.hasDecorator(basicScope) && headers.origin === undefined && headers['sec-fetch-site'] === undefined
}

/** Returns the user name and password of HTTP Basic (RFC 7617), or `undefined` if the request has none. */
function readBasic ({ headers, raw }: FastifyRequest): AdminCredentials | undefined {
  // Node keeps the first of several Authorization headers, and silently drops the others.
  if (countHeaders(raw.rawHeaders, 'authorization') > 1) return undefined
  const [, encoded] = /^basic +([A-Za-z\d+/]+={0,2})$/i.exec(headers.authorization ?? '') ?? []
  const [, userName, key] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  return userName === undefined || key === undefined ? undefined : { key, userName }
}

/**
 * Decodes the form encoding of user name and password, which OAuth clients add (RFC 6749, section 2.3.1). Returns an
 * empty array if one of them cannot be decoded.
 */
function decoded ({ key, userName = '' }: AdminCredentials): AdminCredentials[] {
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
  try {
    return [{ key: decode(key), userName: decode(userName) }]
  } catch {
    return []
  }
}
