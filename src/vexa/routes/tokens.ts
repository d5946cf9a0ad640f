import type { FastifyInstance } from 'fastify'
import type { Token } from '../../schemas/tokens.js'
import { prefixFor, vexaScopes } from '../check-app.js'
import type { VexaContext } from '../context.js'
import { DetailError } from '../detail-error.js'
import { readId } from '../ids.js'
import { lastOf } from '../pages.js'
import { arrayOf, integer, model, nullable, read, text } from '../read.js'
import { serve } from '../serve.js'
import { listedToken } from '../shapes.js'

// `tokens.list` returns at most this number of tokens.
const tokensPerPage = 1000

const longest = 2147483647

const body = model({
  scopes: nullable(arrayOf(text())),
  name: nullable(text(255)),
  expires_in: nullable(integer(1, longest))
}, { others: 'rejected' })

/** Registers the routes of tokens. */
export function tokenRoutes (fastify: FastifyInstance, { tokens, guards, shapes, admin }: VexaContext): void {
  async function allTokens (userId: string): Promise<Token[]> {
    const all: Token[] = []
    let page
    do {
      page = await tokens.list(userId, { after: all.at(-1)?.id })
      all.push(...page)
    } while (page.length === tokensPerPage)
    return all
  }

  serve(fastify, '/admin/users/:user_id/tokens', {
    GET: {
      guard: guards.admin,
      reply: async ({ params }) => (await allTokens(readId('user', params.user_id))).map(listedToken)
    },
    POST: {
      guard: guards.admin,
      async reply (request, reply) {
        const id = readId('user', request.params.user_id)
        const token = await tokens.create(id, tokenOf(request.query, request.body ?? {}), admin)
        reply.code(201)
        return shapes.createdToken(token)
      }
    }
  })

  serve(fastify, '/admin/tokens/:token_id', {
    DELETE: {
      guard: guards.admin,
      async reply ({ params }, reply) {
        await tokens.revoke(readId('token', params.token_id), admin)
        reply.code(204).send()
      }
    }
  })
}

/**
 * Returns the token that a request asks for. If both the body and the query have a value, the value in the body counts.
 */
function tokenOf (query: Record<string, unknown>, input: unknown) {
  const given = read(body, input, ['body'])
  const parameter = (name: string) => lastOf(query[name])
  const expiresIn = given.expires_in ?? readLifetime(parameter('expires_in'))
  const name = given.name ?? parameter('name')
  const scopes = [...new Set(given.scopes ?? readScopes(parameter('scopes'), parameter('scope')))]
  const [first] = scopes
  const invalid = scopes.filter((scope) => !(vexaScopes as readonly string[]).includes(scope))
  if (invalid.length > 0) {
    throw new DetailError(422, `Invalid scope(s): ${list(invalid.map(shorten))}. Valid: ${list(vexaScopes)}`)
  }
  if (first === undefined) throw new DetailError(422, 'scopes must not be empty')
  return {
    scopes,
    prefix: prefixFor(first),
    ...name !== undefined && { name: read(text(255), name, ['query', 'name']) },
    ...expiresIn !== undefined && { expires_in: expiresIn }
  }
}

/** Returns the lifetime in a query. Ignores a lifetime of 0 or less, as Vexa does. */
function readLifetime (value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const seconds = read(integer(-longest, longest), value, ['query', 'expires_in'])
  return seconds > 0 ? seconds : undefined
}

function readScopes (scopes: string | undefined, scope = 'bot'): string[] {
  return scopes === undefined ? [scope] : scopes.split(',').map((name) => name.trim()).filter((name) => name !== '')
}

function list (names: readonly string[]): string {
  return `[${[...names].sort().map((name) => `'${name}'`).join(', ')}]`
}

/**
 * Returns a scope that a reply may show. A longer text may be a misplaced key or token, because these have 16
 * characters or more.
 */
function shorten (scope: string): string {
  return scope.length <= 15 ? scope : '…'
}
