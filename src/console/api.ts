import { ApiError, isAbort, readError } from './api-error.js'
import { nextQuery } from './link-header.js'
import type { ServerClock } from './server-clock.js'

export interface Reply<Body> {
  status: number
  body: Body
  etag: string | null
  /** Query of the next page, with its question mark. `undefined` on the last page. */
  next: string | undefined
  /** Number of all matching items, if the request asked for it. */
  total: number | undefined
}

export interface RequestOptions {
  query?: string | Record<string, string>
  /** A value, or its JSON text. */
  body?: unknown
  ifMatch?: string | null
  signal?: AbortSignal
}

/** Sends a request to the admin API. The path is relative to the prefix of the API, such as `users/user-1`. */
export type Api = <Body>(method: string, path: string, options?: RequestOptions) => Promise<Reply<Body>>

export interface ApiOptions {
  /** URL of the API. It ends in a slash. */
  base: string
  /** Returns the admin key, or an empty text if the app authorizes admins by itself. */
  readKey: () => string
  /** Called for each 401 to a request with the current key. */
  onUnauthorized: (error: ApiError) => void
  /** The clock that each reply sets. */
  clock: ServerClock
  fetch: typeof fetch
}

/** Creates the function that sends requests. Each failure is an ApiError, except that of a cancelled request. */
export function createApi ({ base, readKey, onUnauthorized, clock, fetch }: ApiOptions): Api {
  return async function send <Body> (
    method: string, path: string, { query = '', body, ifMatch, signal }: RequestOptions = {}
  ): Promise<Reply<Body>> {
    const url = new URL(path, base)
    url.search = new URLSearchParams(query).toString()
    const key = readKey()
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...key !== '' && { 'x-admin-api-key': key },
        ...body !== undefined && { 'content-type': 'application/json' },
        ...ifMatch && { 'if-match': ifMatch }
      },
      ...body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) },
      ...signal !== undefined && { signal }
    }).catch(throwUnread)
    clock.set(response.headers.get('date'))
    if (!response.ok) {
      const error = await readError(response)
      // The key may have changed since the request, and a late reply says nothing about the new one.
      if (error.status === 401 && readKey() === key) onUnauthorized(error)
      throw error
    }
    const total = response.headers.get('x-total-count')
    return {
      status: response.status,
      body: response.status === 204 ? undefined as Body : await response.json().catch(throwUnread) as Body,
      etag: response.headers.get('etag'),
      next: nextQuery(response.headers.get('link')),
      total: total === null ? undefined : Number(total)
    }
  }
}

/** Throws the error of a request whose reply cannot be read. An SSO proxy may send a page instead of JSON. */
function throwUnread (error: unknown): never {
  if (error instanceof SyntaxError) throw new ApiError(200, 'The reply is not from the API')
  throw isAbort(error) ? error : new ApiError(0, 'The server cannot be reached', { retryAfter: 5 })
}

/** Returns the path of a user or token in the API, with the rest of the path. */
export function pathOf (list: 'users' | 'tokens', id: string, rest = ''): string {
  return `${list}/${encodeURIComponent(id)}${rest}`
}
