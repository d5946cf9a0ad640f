import { STATUS_CODES } from 'node:http'
import { Type } from '@sinclair/typebox'
import { errorCodes, type FastifyError } from 'fastify'
import { StorageUnavailableError, UnauthorizedError } from '../errors.js'
import { Component } from './annotations.js'

/** Fastify's shape of an error. */
export const ErrorReply = Type.Object({
  statusCode: Type.Integer(),
  // Errors of the host's own hooks have none.
  code: Type.Optional(Type.String()),
  error: Type.String(),
  message: Type.String()
}, { [Component]: 'ErrorReply' })

type ErrorClass = new (...parameters: any[]) => FastifyError

/** What every route can answer. */
export const reading: ErrorClass[] = [errorCodes.FST_ERR_VALIDATION, UnauthorizedError, StorageUnavailableError]

/** What every route with a body can answer. */
export const writing: ErrorClass[] = [...reading, errorCodes.FST_ERR_CTP_BODY_TOO_LARGE, errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE]

const replies = new Map<ErrorClass, typeof ErrorReply>()

/** The response schemas of a route that can answer with these errors, which have a status each. */
export function errorReplies (...errors: ErrorClass[]): object {
  return Object.fromEntries(errors.map((ErrorClass) => {
    // One for each, so that each is compiled once.
    const reply = replies.get(ErrorClass) ?? errorReply(new ErrorClass())
    replies.set(ErrorClass, reply)
    return [reply.examples[0].statusCode, reply]
  }))
}

// For OpenAPI documents.
const headers: Record<number, Record<string, { type: string, description: string }>> = {
  401: { 'www-authenticate': { type: 'string', description: 'The challenge, which names the header that the admin key belongs in.' } },
  503: { 'retry-after': { type: 'string', description: 'After how many seconds to try again.' } }
}

/** Returns a message that says what to do, for an error of Fastify's own that says only what is wrong. */
export function adviceOn ({ code }: FastifyError): string | undefined {
  return code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? 'Unsupported Media Type: send JSON, with Content-Type: application/json' : undefined
}

function errorReply (sample: FastifyError) {
  const { statusCode = 500, code, message } = sample
  const error = STATUS_CODES[statusCode] as string
  return { ...ErrorReply, description: error, examples: [{ statusCode, code, error, message: (adviceOn(sample) ?? message).replace('%s', 'querystring/x Unexpected property') }], headers: headers[statusCode] }
}
