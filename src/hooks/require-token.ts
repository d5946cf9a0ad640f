import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { check, checkOptionNames } from '../check-options.js'
import {
  InsufficientScopeError, InvalidTokenError, StorageUnavailableError, TokenDisabledError, UserDisabledError
} from '../errors.js'
import type { Publish } from '../events.js'
import type { TokenRouteService } from '../services/tokens.js'
import { countHeaders } from './count-headers.js'
import { describeRejection } from './describe-rejection.js'
import { adminScope } from './require-admin.js'

export interface RequireTokenOptions {
  /**
   * The token must have all of these scopes. The plugin's option `scopes` must list each scope. A token that was
   * created without scopes has every scope.
   * @default []
   */
  scopes?: readonly string[] | undefined
}

/**
 * A hook for routes of the app, for use as `onRequest` or as a later hook. It rejects each request without a valid API
 * token. For a valid token, it sets `request.apiUser` and `request.apiToken`. If the hook is added to a whole Fastify
 * scope, it skips the admin routes, because they check the admin key instead.
 *
 * @throws {InvalidTokenError} 401 if the token is missing or not valid
 * @throws {TokenDisabledError} 403 if the token is disabled
 * @throws {UserDisabledError} 403 if the user of the token is disabled
 * @throws {InsufficientScopeError} 403 if the token lacks a scope
 * @throws {StorageUnavailableError} 503 if the storage cannot answer now
 */
export type RequireTokenHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

type Tokens = Pick<TokenRouteService, 'verify' | 'mayBeToken'>

/**
 * Creates the function `requireToken` for one registration of the plugin. `requireToken` throws InvalidOptionError if
 * one of its options is wrong.
 */
export function createRequireToken (tokens: Tokens, scopeNames: readonly string[], publish: Publish) {
  return function requireToken (options: RequireTokenOptions = {}, ...others: unknown[]): RequireTokenHook {
    // If an app passes requireToken itself as a hook, Fastify calls it with a request and a reply. Without this check,
    // the error would not name the mistake.
    check(others.length === 0,
      'requireToken returns a hook: call it, as in `onRequest: app.vexaAdmin.requireToken()`')
    checkOptionNames(options, ['scopes'])
    check(options.scopes === undefined || Array.isArray(options.scopes), '`scopes` of requireToken must be an array')
    const scopes = [...new Set(options.scopes)]
    const unknown = scopes.find((scope) => !scopeNames.includes(scope))
    check(unknown === undefined, `requireToken asks for \`${unknown}\`, which is not one of the plugin's \`scopes\``)

    return async function checkToken (request, reply) {
      // Admin routes check the admin key instead. The check uses their Fastify scope and not the path, because one
      // route can be reached by several spellings of its path.
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
      // RFC 6750, section 3, defines these challenges.
      if (verification.code === 'TOKEN_DISABLED') throw new TokenDisabledError()
      if (verification.code === 'DISABLED') throw new UserDisabledError()
      if (verification.code === 'INSUFFICIENT_SCOPE') {
        throw withChallenge(reply, new InsufficientScopeError(missing.join(', ')),
          `Bearer realm="api", error="insufficient_scope", scope="${scopes.join(' ')}"`)
      }
      // If Verification gets a further code, the compiler reports an error here. Decide whether the code needs its own
      // error.
      verification.code satisfies 'NOT_FOUND' | 'EXPIRED'
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
 * header is set. If both headers are set, and only one of them can hold a token of this package, returns the value of
 * this header. If the two headers hold different tokens, returns an empty string, which is never a valid token.
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

/**
 * Returns whether a header can hold a token. Node joins repeated headers with a comma, so the function checks each
 * part. It also checks the whole value, because a token of the option `legacyTokens` may contain commas.
 */
function mayHoldToken (header: string, mayBeToken: (value: string) => boolean): boolean {
  return [header, ...header.split(/[\s,]+/)].some((value) => mayBeToken(value))
}
