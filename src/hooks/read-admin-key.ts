import type { FastifyRequest } from 'fastify'
import { countHeaders } from './count-headers.js'

/** Name of the decorator that marks a Fastify scope whose routes also read the admin key from HTTP Basic. */
export const basicScope = Symbol('basicScope')

/** The challenge of a 401. No registered scheme describes a key in a header of its own. */
export const keyChallenge = 'ApiKey realm="admin", header="X-Admin-API-Key"'

/** The admin key of a request, and the user name that the request gives with it. */
export interface AdminCredentials {
  /** The admin key, or an empty string, which is no key. */
  key: string
  /** The user name of HTTP Basic. Absent if the key is from `X-Admin-API-Key`. */
  userName?: string
}

/**
 * Returns the texts that can be the admin key of a request. If `X-Admin-API-Key` is set, only its value counts.
 * Otherwise, a route that accepts HTTP Basic reads user name and password in two ways: as they are, and without their
 * form encoding.
 */
export function readAdminKey (request: FastifyRequest): AdminCredentials[] {
  const header = request.headers['x-admin-api-key']
  // Node joins repeated headers with a comma, which no key contains.
  if (header !== undefined) return [{ key: String(header) }]
  const sent = acceptsBasic(request) ? readBasic(request) : undefined
  return sent === undefined ? [{ key: '' }] : [sent, ...decoded(sent)]
}

/** Returns the value of `WWW-Authenticate` for a request without a valid admin key. */
export function challengeFor (request: FastifyRequest): string | string[] {
  return acceptsBasic(request) ? [keyChallenge, 'Basic realm="admin"'] : keyChallenge
}

/**
 * Returns whether HTTP Basic counts for a request. It does not count for a request from a browser, because a browser
 * adds such credentials by itself, also for pages of other origins.
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
 * Returns the user name and password without the form encoding that OAuth clients add (RFC 6749, section 2.3.1).
 * Returns an empty array if they cannot be decoded.
 */
function decoded ({ key, userName = '' }: AdminCredentials): AdminCredentials[] {
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
  try {
    return [{ key: decode(key), userName: decode(userName) }]
  } catch {
    return []
  }
}
