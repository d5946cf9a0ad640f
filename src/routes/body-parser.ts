import { isUtf8 } from 'node:buffer'
import { errorCodes, type FastifyInstance } from 'fastify'

// The largest valid body, every character of it escaped, fits many times over.
const bodyLimit = 128 * 1024

/**
 * Makes JSON the only body that the routes of this scope read, whatever parsers the host has: strict UTF-8, `__proto__`
 * refused, and an empty body allowed, for clients send `Content-Type: application/json` with every request.
 */
export function useJsonBodies (fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error')

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    // A TextDecoder that is strict takes a fifth of the whole request.
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    return parseJson(request, body.toString(), done)
  })
}
