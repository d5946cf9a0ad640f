import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { findJsonLoss } from './lossless-json.js'

// Several times the size of the largest valid body, even with each of its characters escaped.
const bodyLimit = 128 * 1024

const jsonTypes = ['application/json', 'application/merge-patch+json']

const jsonType = /^application\/(?:merge-patch\+)?json\s*(?:;|$)/i

/**
 * Makes JSON the only kind of body that the routes of this scope accept, regardless of the parsers of the app.
 * The parser rejects invalid UTF-8, `__proto__`, and each text that `JSON.parse` would change.
 * An empty body of any type counts as no body, because clients send a type with every request.
 */
export function useJsonBodies (fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error')

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(jsonTypes, { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    // A strict TextDecoder would take a fifth of the time of a request.
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    const text = body.toString()
    return parseJson(request, text, (error, value) => {
      const loss = error === null ? findJsonLoss(text) : undefined
      if (loss === undefined) done(error, value)
      else done(new errorCodes.FST_ERR_VALIDATION(`body ${loss}`))
    })
  })
  // The first byte decides, so that a large body is not read.
  fastify.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) =>
    new Promise((resolve, reject) => {
      payload
        .once('data', () => reject(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()))
        .once('end', resolve)
        .once('error', (error: FastifyError) => reject(Object.assign(error, { statusCode: 400 })))
    }))
  fastify.addHook('preParsing', (request, _reply, payload, next) => {
    const type = request.headers['content-type']
    // Fastify rejects a malformed type even without a body. It overlooks a body without a type over HTTP/2,
    // where a client need not announce a body.
    if (type === undefined ? request.raw.httpVersionMajor > 1 : !jsonType.test(type)) {
      request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    }
    next(null, payload)
  })
}
