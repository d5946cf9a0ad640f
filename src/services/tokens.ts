import { TokenNotFoundError, UserNotFoundError } from '../errors.js'
import { validator } from '../schemas/compilers.js'
import { CreateToken, type Token } from '../schemas/tokens.js'
import type { StorageAdapter, TokenRecord } from '../storage/storage-adapter.js'
import { toId, toKey } from './ids.js'
import { hashTokenValue, mintTokenValue } from './token-value.js'

/** The API tokens, for the host's own code. The HTTP routes call the same methods. */
export interface TokenService {
  /**
   * Mints a token for a user. The reply holds its value, which is kept nowhere and shown by no other call.
   *
   * @throws {InvalidInputError} 400
   * @throws {UserNotFoundError} 404
   * @throws {StorageUnavailableError} 503
   */
  create (userId: string, token?: CreateToken): Promise<Token>

  /**
   * Revokes a token: when the promise resolves, it is gone.
   *
   * @throws {TokenNotFoundError} 404, also if it was revoked before
   * @throws {StorageUnavailableError} 503
   */
  revoke (id: string): Promise<void>
}

export interface TokenServiceOptions {
  tokenPrefix: string
}

const validateCreate = validator(CreateToken)

export function createTokenService (storage: StorageAdapter, options: TokenServiceOptions): TokenService {
  return {
    async create (userId, input = {}) {
      validateCreate(input)
      const userKey = toKey('user', userId)
      if (userKey === undefined) throw new UserNotFoundError()
      const value = mintTokenValue(options.tokenPrefix)
      const token = await storage.insertToken({
        user_id: userKey,
        hash: hashTokenValue(value),
        created_at: new Date().toISOString()
      })
      if (token === 'absent') throw new UserNotFoundError()
      return toToken(token, value)
    },

    async revoke (id) {
      const key = toKey('token', id)
      if (key === undefined || !await storage.deleteToken(key)) throw new TokenNotFoundError()
    }
  }
}

/** A token as on the wire, its value hidden unless given. */
export function toToken (token: TokenRecord, value = '***'): Token {
  return { id: toId('token', token.id), token: value, user_id: toId('user', token.user_id), created_at: token.created_at }
}
