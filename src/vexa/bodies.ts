import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isUtf8 } from 'node:buffer'
import { findJsonLoss } from '../schemas/lossless-json.js'
import { DetailError } from './detail-error.js'

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/**
 * Makes this Fastify scope read bodies as Vexa does. Parsers of the app have no effect here. A body is read as JSON if
 * its `Content-Type` is JSON or missing. Every other body is read as text, and the routes reject this text with 422. An
 * empty body counts as no body.
 */
export function useVexaBodies (fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error')
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    const type = request.headers['content-type']
    if (type !== undefined && !jsonType.test(type)) return done(null, body.toString())
    if (!isUtf8(body)) return done(invalid(0, 'The body is not UTF-8'))
    const text = body.toString()
    return parseJson(request, text, (error, value) => {
      if (error !== null) return done(invalid(faultPosition(text), 'The body is not JSON that this server accepts'))
      const loss = findJsonLoss(text)
      if (loss === undefined) done(null, value)
      else done(invalid(0, `The body ${loss}`))
    })
  })
}

function invalid (position: number, error: string): DetailError {
  return new DetailError(422, [
    { type: 'json_invalid', loc: ['body', position], msg: 'JSON decode error', input: {}, ctx: { error } }
  ])
}

/**
 * Returns the position of the fault in a text that is not JSON. If JavaScript does not tell the position, returns the
 * length of the text.
 */
function faultPosition (text: string): number {
  try {
    JSON.parse(text)
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? []
    if (position !== undefined) return Number(position)
  }
  return text.length
}
