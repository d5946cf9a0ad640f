import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { check, checkOptionNames } from '../check-options.js'
import { InsufficientScopeError, InvalidTokenError, StorageUnavailableError, UserDisabledError } from '../errors.js'
import type { Publish } from '../events.js'
import type { TokenRouteService } from '../services/tokens.js'
import { describeRejection } from './describe-rejection.js'
import { adminScope } from './require-admin.js'

export interface RequireTokenOptions {
  /** What the token must be allowed to do: all of these, of the names in the plugin's option `scopes`. */
  scopes?: readonly string[] | undefined
}

/**
 * A hook for routes of the host, as `onRequest` or later, that lets nobody in without a valid API token. As a hook of a whole scope it leaves the
 * routes of the admin API to the admin key.
 */
export type RequireTokenHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * Makes `requireToken`.
 *
 * @throws {InvalidOptionError} if an option is not one, or a scope not one that the plugin knows
 */
export function createRequireToken (tokens: Pick<TokenRouteService, 'verify' | 'mayBeToken'>, scopeNames: readonly string[], publish: Publish) {
  return function requireToken (options: RequireTokenOptions = {}, ...others: unknown[]): RequireTokenHook {
    // As a hook itself, it is given a request and a reply, and would answer each with a 500 that says something else.
    check(others.length === 0, 'requireToken makes a hook: call it, as in `onRequest: app.vexaAdmin.requireToken()`')
    checkOptionNames(options, ['scopes'])
    check(options.scopes === undefined || Array.isArray(options.scopes), '`scopes` of requireToken must be an array')
    const scopes = [...new Set(options.scopes)]
    const unknown = scopes.find((scope) => !scopeNames.includes(scope))
    check(unknown === undefined, `\`${unknown}\`, wanted by requireToken, is not one of the plugin's \`scopes\``)

    return async function checkToken (request, reply) {
      // Every route in there has a guard of its own. Looked up by scope: no spelling of a path matters, and no route of the host is in there.
      if (request.server.hasDecorator(adminScope)) return
      const token = readToken(request, tokens.mayBeToken)
      if (token === undefined) {
        publish('token:rejected', describeRejection(request), { reason: 'MISSING' })
        throw refuse(reply, new InvalidTokenError(), 'Bearer realm="api"')
      }
      let missing: string[] = []
      const verifying = scopes.length === 0 ? tokens.verify({ token }) : tokens.verify({ token, scopes }, (lacking) => { missing = lacking })
      const verification = await verifying.catch((error) => {
        if (error instanceof StorageUnavailableError) reply.header('retry-after', '1')
        throw error
      })
      if (verification.valid) {
        request.apiUser = verification.user
        request.apiToken = verification.token
        return
      }
      publish('token:rejected', describeRejection(request), { reason: verification.code })
      // The challenges are those of RFC 6750, section 3.
      if (verification.code === 'DISABLED') throw new UserDisabledError()
      if (verification.code === 'INSUFFICIENT_SCOPE') {
        throw refuse(reply, new InsufficientScopeError(missing.join(', ')), `Bearer realm="api", error="insufficient_scope", scope="${scopes.join(' ')}"`)
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
 * Returns the token of a request: that in `X-API-Key`, or that in `Authorization: Bearer` (RFC 6750). If both are there, and one of them
 * cannot be a token of ours, it is the other. Of two that can be it is not for us to choose, so that is no token at all: an empty string.
 */
function readToken ({ headers, raw }: FastifyRequest, mayBeToken: (value: string) => boolean): string | undefined {
  const key = headers['x-api-key']?.toString()
  // Node keeps the first of several Authorization headers and is silent about the others.
  if (headers.authorization !== undefined && countHeaders(raw.rawHeaders, 'authorization') > 1) return ''
  const bearer = /^bearer(?: +(.*))?$/i.exec(headers.authorization ?? '')
  if (bearer === null) return key
  const token = bearer[1] ?? ''
  if (key === undefined || key === token || !mayHoldToken(key, mayBeToken)) return token
  return mayHoldToken(token, mayBeToken) ? '' : key
}

/** Returns whether there may be a token in a header, which Node joins with commas if it was sent several times. */
function mayHoldToken (header: string, mayBeToken: (value: string) => boolean): boolean {
  return header.split(/[\s,]+/).some(mayBeToken)
}

function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
