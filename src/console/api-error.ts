interface Details {
  code?: string
  retryAfter?: number
  challenge?: string | null
}

/** A request that did not succeed. */
export class ApiError extends Error {
  /** Status of the reply, or 0 if no reply arrived. */
  readonly status: number
  /** Code of the error, or an empty text. */
  readonly code: string
  /** Number of seconds to wait before the next attempt, if another attempt may succeed. */
  readonly retryAfter: number | undefined
  /** Header `WWW-Authenticate` of the reply, or `null`. */
  readonly challenge: string | null

  constructor (status: number, message: string, { code = '', retryAfter, challenge = null }: Details = {}) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
    this.challenge = challenge
  }
}

/** Returns whether an error only says that the page has cancelled the request. */
export function isAbort (error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Returns an error as an ApiError. */
export function toApiError (error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, String(error))
}

/**
 * Returns who has rejected a request with 401: the API, which asks for an admin `key`, the `app` by its option
 * `authorize`, or another part of the `host`, such as a proxy. The app may have changed the body of an error.
 */
export function rejecterOf ({ code, message, challenge }: ApiError): 'key' | 'app' | 'host' {
  const keyHeader = /X-Admin-API-Key/i
  if (code === 'VEXA_ADMIN_ERR_UNAUTHORIZED') return keyHeader.test(message) ? 'key' : 'app'
  return keyHeader.test(challenge ?? '') ? 'key' : 'host'
}

/** Throws an error again, unless it says that the user or token is gone. Its deletion then has nothing left to do. */
export function acceptAbsent (error: unknown): void {
  if (toApiError(error).status !== 404) throw error
}

/** Reads the error of a reply. A proxy may have sent the reply, and then its body is not JSON. */
export async function readError (response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => ({})) as { code?: unknown, message?: unknown } | null
  const message = typeof body?.message === 'string'
    ? body.message
    : `The server replied ${response.status} ${response.statusText}`.trim()
  const retryAfter = secondsOf(response.headers.get('retry-after')) ?? (response.status === 503 ? 5 : undefined)
  return new ApiError(response.status, message, {
    code: typeof body?.code === 'string' ? body.code : '',
    challenge: response.headers.get('www-authenticate'),
    ...retryAfter !== undefined && { retryAfter }
  })
}

/** Returns the seconds of `Retry-After`, or `undefined` if the header is absent or a date. */
function secondsOf (header: string | null): number | undefined {
  return header !== null && /^\d{1,4}$/.test(header) ? Math.max(1, Number(header)) : undefined
}

/**
 * Returns the member of the body that an error is about, and the advice for it. Returns `undefined` if the error is
 * about something else.
 */
export function memberFault ({ code, message }: ApiError): { member: string, advice: string } | undefined {
  if (code === 'VEXA_ADMIN_ERR_EMAIL_TAKEN') return { member: 'email', advice: message }
  const [, member, advice] = /^body\/(\w+)\S* (.+)$/s.exec(message) ?? []
  return member === undefined || advice === undefined ? undefined : { member, advice }
}
