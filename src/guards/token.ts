import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { check, checkNames } from '../check.js'
import { InsufficientScopeError, InvalidTokenError, StorageUnavailableError, UserDisabledError } from '../errors.js'
import { refusalOf, type Publish } from '../events.js'
import type { TokenService } from '../services/tokens.js'

export interface RequireTokenOptions {
  /** What the token must be allowed to do: all of these, of the names in the plugin's option `scopes`. */
  scopes?: readonly string[] | undefined
}

/** A hook for routes of the host, as `onRequest` or later, that lets nobody in without a valid API token. */
export type TokenGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * Makes `requireToken`.
 *
 * @throws {InvalidOptionError} if an option is not one, or a scope not one that the plugin knows
 */
export function tokenGuards (tokens: TokenService, scopeNames: readonly string[], publish: Publish) {
  return function requireToken (options: RequireTokenOptions = {}, ...others: unknown[]): TokenGuard {
    // As a hook itself, it is given a request and a reply, and would answer each with a 500 that says something else.
    check(others.length === 0, 'requireToken makes a hook: call it, as in `onRequest: app.vexaAdmin.requireToken()`')
    checkNames(options, ['scopes'])
    check(options.scopes === undefined || Array.isArray(options.scopes), '`scopes` of requireToken must be an array')
    const scopes = [...new Set(options.scopes)]
    const unknown = scopes.find((scope) => !scopeNames.includes(scope))
    check(unknown === undefined, `\`${unknown}\`, wanted by requireToken, is not one of the plugin's \`scopes\``)

    return async function checkToken (request, reply) {
      const token = readToken(request)
      if (token === undefined) {
        publish('token:refused', refusalOf(request), { reason: 'MISSING' })
        throw refuse(reply, new InvalidTokenError(), 'Bearer realm="api"')
      }
      const verification = await tokens.verify(scopes.length === 0 ? { token } : { token, scopes }).catch((error) => {
        if (error instanceof StorageUnavailableError) reply.header('retry-after', '1')
        throw error
      })
      if (verification.valid) {
        request.apiUser = verification.user
        request.apiToken = verification.token
        return
      }
      publish('token:refused', refusalOf(request), { reason: verification.code })
      // The challenges are those of RFC 6750, section 3.
      if (verification.code === 'DISABLED') throw new UserDisabledError()
      if (verification.code === 'INSUFFICIENT_SCOPE') {
        throw refuse(reply, new InsufficientScopeError(), `Bearer realm="api", error="insufficient_scope", scope="${scopes.join(' ')}"`)
      }
      throw refuse(reply, new InvalidTokenError(), 'Bearer realm="api", error="invalid_token"')
    }
  }
}

function refuse (reply: FastifyReply, error: FastifyError, challenge: string): FastifyError {
  reply.header('www-authenticate', challenge)
  return error
}

/**
 * The token of a request: that in `X-API-Key`, or that in `Authorization: Bearer` (RFC 6750). Both may be there if they are
 * the same; of two different ones it is not for us to choose, so that is no token at all: an empty string.
 */
function readToken ({ headers, raw }: FastifyRequest): string | undefined {
  const key = headers['x-api-key']
  // Node keeps the first of several Authorization headers and is silent about the others.
  if (headers.authorization !== undefined && countHeaders(raw.rawHeaders, 'authorization') > 1) return ''
  const bearer = /^bearer(?: +(.*))?$/i.exec(headers.authorization ?? '')
  if (bearer === null) return key === undefined ? undefined : String(key)
  const token = bearer[1] ?? ''
  return key === undefined || key === token ? token : ''
}

function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
