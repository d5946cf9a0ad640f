import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { findJsonLoss } from './lossless-json.js'

// The largest valid body, every character of it escaped, fits many times over.
const bodyLimit = 128 * 1024

const jsonType = /^application\/(?:merge-patch\+)?json\s*(?:;|$)/i

/**
 * Makes JSON the only body that the routes of this scope read, whatever parsers the host has: strict UTF-8, `__proto__`
 * refused, and nothing silently changed or dropped. An empty body is none, whatever its type, because clients send a type with every request.
 */
export function useJsonBodies (fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error')

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    // A TextDecoder that is strict takes a fifth of the whole request.
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    const text = body.toString()
    return parseJson(request, text, (error, value) => {
      const loss = error === null ? findJsonLoss(text) : undefined
      if (loss === undefined) done(error, value)
      else done(new errorCodes.FST_ERR_VALIDATION(`body ${loss}`))
    })
  })
  // Bytes, of which the first decides.
  fastify.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) => new Promise((resolve, reject) => {
    payload
      .once('data', () => reject(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()))
      .once('end', resolve)
      .once('error', (error: FastifyError) => reject(Object.assign(error, { statusCode: 400 })))
  }))
  fastify.addHook('preParsing', (request, _reply, payload, next) => {
    const type = request.headers['content-type']
    // Fastify would refuse a type that is malformed before it looks for a body, and overlook a body without a type over HTTP/2, which need not announce one.
    if (type === undefined ? request.raw.httpVersionMajor > 1 : !jsonType.test(type)) request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    next(null, payload)
  })
}
