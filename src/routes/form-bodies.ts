import { isUtf8 } from 'node:buffer'
import { errorCodes, type FastifyInstance } from 'fastify'
import { formMediaType } from './body-parser.js'

/**
 * Makes the routes of this Fastify scope accept forms (`application/x-www-form-urlencoded`) besides JSON. The parsed
 * body has only the parameters of the form that `names` lists. A parameter without a value counts as absent (RFC 6749,
 * section 3.1). A parameter of `names` that is repeated causes a 400. A malformed escape also causes a 400.
 */
export function useFormBodies (fastify: FastifyInstance, names: readonly string[]): void {
  fastify.addContentTypeParser(formMediaType, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    const parameters = isUtf8(body) ? parseForm(body.toString()) : undefined
    if (parameters === undefined) return done(malformed('has a malformed escape or is not UTF-8'))
    const known = parameters.filter(([name]) => names.includes(name))
    const repeated = names.find((name) => known.filter(([other]) => other === name).length > 1)
    if (repeated !== undefined) return done(malformed(`has the parameter ${repeated} more than once: send it once`))
    done(null, Object.fromEntries(known.filter(([, value]) => value !== '')))
  })
}

function malformed (problem: string): Error {
  return new errorCodes.FST_ERR_VALIDATION(`body ${problem}`)
}

/** Returns the names and values of a form, or `undefined` if an escape is malformed. */
function parseForm (text: string): Array<[name: string, value: string]> | undefined {
  // URLSearchParams is not used, because it would not report a malformed escape.
  const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '))
  try {
    return text.split('&').map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [decode(name), decode(value.join('='))]
    })
  } catch {
    return undefined
  }
}
