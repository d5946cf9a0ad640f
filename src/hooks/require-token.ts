import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { check, checkOptionNames } from '../check-options.js'
import { InsufficientScopeError, InvalidTokenError, StorageUnavailableError, UserDisabledError } from '../errors.js'
import type { Publish } from '../events.js'
import type { TokenRouteService } from '../services/tokens.js'
import { describeRejection } from './describe-rejection.js'
import { adminScope } from './require-admin.js'

export interface RequireTokenOptions {
  /**
   * Scopes that the token must have, all of them, from the names in the plugin's option `scopes`. A token without
   * scopes has them all.
   * @default []
   */
  scopes?: readonly string[] | undefined
}

/**
 * A hook for routes of the app, as `onRequest` or later, that rejects each request without a valid API token. It sets
 * `request.apiUser` and `request.apiToken`. As a hook of a whole scope, it skips the routes of the admin API, which
 * need the admin key.
 *
 * @throws {InvalidTokenError} 401 if the token is missing or not valid
 * @throws {UserDisabledError} 403 if the user of the token is disabled
 * @throws {InsufficientScopeError} 403 if the token lacks a scope
 * @throws {StorageUnavailableError} 503 if the storage cannot answer now
 */
export type RequireTokenHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

type Tokens = Pick<TokenRouteService, 'verify' | 'mayBeToken'>

/** Creates the `requireToken` of a registration, which throws InvalidOptionError for a wrong option. */
export function createRequireToken (tokens: Tokens, scopeNames: readonly string[], publish: Publish) {
  return function requireToken (options: RequireTokenOptions = {}, ...others: unknown[]): RequireTokenHook {
    // An app that passes requireToken itself as a hook calls it with a request and a reply. Without this check, the
    // error would not name that mistake.
    check(others.length === 0,
      'requireToken returns a hook: call it, as in `onRequest: app.vexaAdmin.requireToken()`')
    checkOptionNames(options, ['scopes'])
    check(options.scopes === undefined || Array.isArray(options.scopes), '`scopes` of requireToken must be an array')
    const scopes = [...new Set(options.scopes)]
    const unknown = scopes.find((scope) => !scopeNames.includes(scope))
    check(unknown === undefined, `requireToken asks for \`${unknown}\`, which is not one of the plugin's \`scopes\``)

    return async function checkToken (request, reply) {
      // Each admin route has a guard of its own. The scope decides, so that no spelling of a path matters.
      if (request.server.hasDecorator(adminScope)) return
      const token = readToken(request, tokens.mayBeToken)
      if (token === undefined) {
        publish('token:rejected', describeRejection(request), { reason: 'MISSING' })
        throw withChallenge(reply, new InvalidTokenError(), 'Bearer realm="api"')
      }
      let missing: string[] = []
      const verifying = scopes.length === 0
        ? tokens.verify({ token })
        : tokens.verify({ token, scopes }, (lacking) => { missing = lacking })
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
        throw withChallenge(reply, new InsufficientScopeError(missing.join(', ')),
          `Bearer realm="api", error="insufficient_scope", scope="${scopes.join(' ')}"`)
      }
      throw withChallenge(reply, new InvalidTokenError(), 'Bearer realm="api", error="invalid_token"')
    }
  }
}

function withChallenge (reply: FastifyReply, error: FastifyError, challenge: string): FastifyError {
  reply.header('www-authenticate', challenge)
  return error
}

/**
 * Returns the token of a request, from `X-API-Key` or `Authorization: Bearer` (RFC 6750), or `undefined` if neither
 * header is there. If both are there, and only one of them can hold a token of ours, returns that one. Two different
 * tokens are ambiguous and count as no valid token: an empty string.
 */
function readToken ({ headers, raw }: FastifyRequest, mayBeToken: (value: string) => boolean): string | undefined {
  const key = headers['x-api-key']?.toString()
  // Node keeps the first of several Authorization headers, and silently drops the others.
  if (headers.authorization !== undefined && countHeaders(raw.rawHeaders, 'authorization') > 1) return ''
  const bearer = /^bearer(?: +(.*))?$/i.exec(headers.authorization ?? '')
  if (bearer === null) return key
  const token = bearer[1] ?? ''
  if (key === undefined || key === token || !mayHoldToken(key, mayBeToken)) return token
  return mayHoldToken(token, mayBeToken) ? '' : key
}

/** Returns whether a header may hold a token. Node joins repeated headers with a comma. */
function mayHoldToken (header: string, mayBeToken: (value: string) => boolean): boolean {
  return header.split(/[\s,]+/).some(mayBeToken)
}

function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
