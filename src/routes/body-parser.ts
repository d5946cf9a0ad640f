import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { findJsonLoss } from '../schemas/lossless-json.js'

const jsonTypes = ['application/json', 'application/merge-patch+json']

/** The media type of forms. A Fastify scope accepts it after a call of `useFormBodies`. */
export const formMediaType = 'application/x-www-form-urlencoded'

const formType = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

const jsonType = /^application\/(?:merge-patch\+)?json\s*(?:;|$)/i

// The parser of Fastify would report a body with such a member as not JSON.
const forbidden = 'has a forbidden member: __proto__, or constructor with a member prototype'

/**
 * Makes JSON the only kind of body that the routes of this Fastify scope accept. Parsers of the app have no effect
 * here. An inner scope may also accept forms, by `useFormBodies`. The parser rejects invalid UTF-8, members named
 * `__proto__`, and each text of which `JSON.parse` would change or drop a part. An empty body of any type counts as no
 * body, because some clients send a type with every request.
 *
 * @param maxDataSize maximum size of `data` as JSON, in bytes
 */
export function useJsonBodies (fastify: FastifyInstance, maxDataSize: number): void {
  // A valid body fits, even if each of its characters is an escape of six bytes.
  const bodyLimit = 6 * maxDataSize + 32 * 1024
  const parseJson = fastify.getDefaultJsonParser('error', 'error')

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(jsonTypes, { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    // A strict TextDecoder would find invalid UTF-8, too, but would take a fifth of the time of a request.
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    const text = body.toString()
    return parseJson(request, text, (error, value) => {
      const fault = error === null ? findJsonLoss(text) : isJson(text) ? forbidden : undefined
      if (fault === undefined) done(error, value)
      else done(new errorCodes.FST_ERR_VALIDATION(`body ${fault}`))
    })
  })
  // Rejects a body of any other type at its first bytes, so that a large body is not read. Accepts an empty body.
  fastify.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) =>
    new Promise((resolve, reject) => {
      payload
        .once('data', () => reject(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()))
        .once('end', resolve)
        .once('error', (error: FastifyError) => reject(Object.assign(error, { statusCode: 400 })))
    }))
  fastify.addHook('preParsing', (request, _reply, payload, next) => {
    const type = request.headers['content-type']
    const readsForms = request.server.hasContentTypeParser(formMediaType)
    const isRead = (type: string) => jsonType.test(type) || (readsForms && formType.test(type))
    // A type that is not read here becomes a well-formed one. This sends the request to the parser above, because
    // Fastify rejects a malformed type even if there is no body. Over HTTP/2, Fastify would ignore a body without a
    // type, so such a request also gets this type.
    if (type === undefined ? request.raw.httpVersionMajor > 1 : !isRead(type)) {
      request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    }
    next(null, payload)
  })
}

function isJson (text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
