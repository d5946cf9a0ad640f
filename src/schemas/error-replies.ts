import { STATUS_CODES } from 'node:http'
import { Type } from '@sinclair/typebox'
import { errorCodes, type FastifyError } from 'fastify'
import { StorageUnavailableError, UnauthorizedError } from '../errors.js'
import { Component } from './annotations.js'

/** Schema of an error reply, in the shape that Fastify gives it. */
export const ErrorReply = Type.Object({
  statusCode: Type.Integer(),
  // Errors of the app's own hooks may have no code.
  code: Type.Optional(Type.String()),
  error: Type.String(),
  message: Type.String()
}, { [Component]: 'ErrorReply' })

type ErrorClass = new (...parameters: any[]) => FastifyError

/** Errors that every route can reply with. */
export const readErrors: ErrorClass[] = [errorCodes.FST_ERR_VALIDATION, UnauthorizedError, StorageUnavailableError]

/** Errors that each route can reply with if its requests may have a body, such as a `POST` or a `DELETE`. */
export const writeErrors: ErrorClass[] = [
  ...readErrors,
  errorCodes.FST_ERR_CTP_BODY_TOO_LARGE,
  errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE
]

/**
 * Returns the response schemas of a route that can reply with these errors. Each argument is the class of an error, or
 * a sample of the error.
 */
export function errorReplies (...errors: Array<ErrorClass | FastifyError>): object {
  const byStatus = new Map<number | undefined, [FastifyError, ...FastifyError[]]>()
  for (const Sample of errors) {
    const sample = typeof Sample === 'function' ? new Sample() : Sample
    const others = byStatus.get(sample.statusCode)
    if (others === undefined) byStatus.set(sample.statusCode, [sample])
    else others.push(sample)
  }
  return Object.assign({}, ...[...byStatus.values()].map((samples) => errorReply(...samples)))
}

const replies = new Map<string, object>()

/** Returns the response schema of a route that can reply with each of these errors, which have the same status. */
export function errorReply (...samples: [FastifyError, ...FastifyError[]]): object {
  // Routes with the same errors share one schema, so that it is compiled only once.
  const key = samples.map(({ code, message }) => `${code} ${message}`).join()
  const reply = replies.get(key) ?? createReply(samples)
  replies.set(key, reply)
  return reply
}

// OpenAPI documents show these headers.
const headers: Record<number, Record<string, { type: string, description: string }>> = {
  401: {
    'www-authenticate': { type: 'string', description: 'A challenge that names the header for the admin key.' }
  },
  503: { 'retry-after': { type: 'string', description: 'Number of seconds to wait before the next attempt.' } }
}

/** Returns a message that says what to do, or `undefined` if the error keeps its own message. */
export function adviceOn ({ code }: FastifyError): string | undefined {
  return code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    ? 'Unsupported Media Type: send JSON, with Content-Type: application/json'
    : undefined
}

function createReply (samples: [FastifyError, ...FastifyError[]]): object {
  const [{ statusCode = 500 }] = samples
  const error = STATUS_CODES[statusCode] as string
  const examples = samples.map((sample) => {
    const message = (adviceOn(sample) ?? sample.message).replace('%s', 'querystring/x Unexpected property')
    return { statusCode, code: sample.code, error, message }
  })
  return { [statusCode]: { ...ErrorReply, description: error, examples, headers: headers[statusCode] } }
}
