import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidInputError, StorageUnavailableError } from '../errors.js'

/** A fault in one part of a request. The form is that of the library pydantic, because Vexa's servers use pydantic. */
export interface Issue {
  type: string
  /** The place of the fault: `body`, `path` or `query`, followed by names of members and positions in arrays. */
  loc: Array<string | number>
  msg: string
  input: unknown
  ctx?: object
}

/** An error whose reply is `{ "detail": … }`. The error has no code, because Vexa's errors have no codes. */
export class DetailError extends Error {
  readonly statusCode: number
  readonly detail: string | Issue[]

  constructor (statusCode: number, detail: string | Issue[]) {
    super('The request is rejected')
    this.statusCode = statusCode
    this.detail = detail
  }
}

/** Replies to an error as Vexa does: with `{ "detail": … }`. Logs each fault of the storage or the app. */
export function replyWithDetail (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, detail } = error instanceof DetailError
    ? { status: error.statusCode, detail: error.detail }
    : describe(error)
  if (status >= 500 && !(error instanceof DetailError)) {
    request.log.error({ err: error }, 'The request of a Vexa client failed')
    if (status === 503) reply.header('retry-after', '1')
  }
  reply.code(status).send({ detail })
}

function describe (error: unknown): { status: number, detail: string } {
  // A service throws this error if an argument is not valid, for example if `data` is too large.
  if (error instanceof InvalidInputError) return { status: 422, detail: error.message }
  const { statusCode: status = 500, code, message } = Object(error) as Partial<FastifyError>
  // Fastify replies 503 if the app's `handlerTimeout` ends before the storage answers.
  if (error instanceof StorageUnavailableError || code === 'FST_ERR_HANDLER_TIMEOUT') {
    return { status: 503, detail: 'Storage cannot answer now' }
  }
  if (status < 400 || status >= 500) return { status: 500, detail: 'Internal Server Error' }
  return { status, detail: message ?? STATUS_CODES[status] ?? 'Error' }
}
