import { createTokenBodies } from '../schemas/token-bodies.js'
import { validator } from '../schemas/validator.js'
import type { LastUsed } from '../storage/decorators/last-used.js'
import type { Storage } from '../storage/storage-adapter.js'
import { toToken, toUser } from './serializers.js'
import { isExpired } from './token-times.js'
import { createTokenForm, hashTokenValue } from './token-value.js'
import type { TokenRouteService, TokenServiceOptions } from './tokens.js'

type TokenChecks = Pick<TokenRouteService, 'mayBeToken' | 'verify'>

/** Creates the methods of the token service that check values. */
export function createTokenChecks (
  storage: Pick<Storage, 'findTokenByHash'>, lastUsed: LastUsed, options: TokenServiceOptions
): TokenChecks {
  const validateVerify = validator(createTokenBodies(options).VerifyToken)
  const mayBeToken = createTokenForm(options)

  return {
    mayBeToken,

    async verify (input, onMissing) {
      validateVerify(input)
      // The members are read before the query, because the app may change the object meanwhile.
      const { token: value, scopes: wanted, touch } = input
      if (!mayBeToken(value)) return { valid: false, code: 'NOT_FOUND' }
      const finding = storage.findTokenByHash(hashTokenValue(value))
      // A synchronous answer is not awaited, because `await` would create a promise for each of thousands of requests.
      const found = finding instanceof Promise ? await finding : finding
      if (found === undefined) return { valid: false, code: 'NOT_FOUND' }
      const { token, user } = found
      const now = Date.now()
      if (isExpired(token, now)) return { valid: false, code: 'EXPIRED' }
      if (token.disabled) return { valid: false, code: 'TOKEN_DISABLED' }
      if (user.disabled) return { valid: false, code: 'DISABLED' }
      const { scopes } = token
      const missing = scopes === null ? undefined : wanted?.filter((scope) => !scopes.includes(scope))
      if (missing?.length) {
        onMissing?.(missing)
        return { valid: false, code: 'INSUFFICIENT_SCOPE' }
      }
      if (touch !== false) lastUsed.note(token.id, token.last_used_at, now)
      return { valid: true, user: toUser(user), token: toToken(token) }
    }
  }
}
