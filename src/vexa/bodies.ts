import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isUtf8 } from 'node:buffer'
import { findJsonLoss } from '../schemas/lossless-json.js'
import { DetailError } from './detail-error.js'

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/**
 * Makes the Fastify scope read bodies as Vexa does, regardless of the parsers of the app. A body with a JSON
 * `Content-Type`, or without one, is read as JSON. Every other body is read as text, which the routes reject with 422.
 * An empty body counts as no body.
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

/** Returns the position of the fault in a text that is not JSON, or its length if JavaScript does not tell it. */
function faultPosition (text: string): number {
  try {
    JSON.parse(text)
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? []
    if (position !== undefined) return Number(position)
  }
  return text.length
}
