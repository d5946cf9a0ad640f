import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateToken, RotateToken, Token, VerifyToken } from '../schemas/tokens.js'
import type { Verification } from '../schemas/verification.js'

/**
 * Manages API tokens from the app's own code. The HTTP routes apply the same rules.
 *
 * Each method may throw StorageUnavailableError, 503. Methods that change something take `{ actor }` as their last
 * argument. The events name this actor.
 */
export interface TokenService {
  /**
   * Creates a token for a user. The member `token` of the result is the value. The value is not stored, and no other
   * call returns it. Without `expires_in` the token gets the lifetime of the option `maxTokenLifetime`, or never
   * expires if there is none. Without `scopes` the token may do everything.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  create (userId: string, token?: CreateToken, options?: ChangeOptions): Promise<Token>

  /**
   * Lists the tokens of a user in order of creation, with `***` as their values.
   *
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  list (userId: string): Promise<Token[]>

  /**
   * Revokes a token. When the promise resolves, the token is rejected everywhere, with one exception: another process
   * with a `tokenCacheTtl` may still accept it for that time.
   *
   * @throws {InvalidInputError} 400 if `options` is not valid
   * @throws {TokenNotFoundError} 404 if there is no such token, or if it has been revoked already
   * @throws {TokenReferencedError} 409 if a foreign key of the app's own tables refers to the token
   */
  revoke (id: string, options?: ChangeOptions): Promise<void>

  /**
   * Revokes all tokens of a user.
   *
   * @throws {InvalidInputError} 400 if `options` is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {TokenReferencedError} 409 if a foreign key of the app's own tables refers to one of the tokens; no token
   * is revoked then
   */
  revokeAll (userId: string, options?: ChangeOptions): Promise<void>

  /**
   * Rotates a token: creates a successor with the same user, name, scopes and lifetime. The option `maxTokenLifetime`
   * limits that lifetime. The member `token` of the result is the value of the successor. The old token is revoked at
   * once. With `grace_period`, the old token instead expires after that many seconds, or at its own expiry if that is
   * sooner.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {TokenNotFoundError} 404 if there is no such token
   * @throws {TokenExpiredError} 409 if the token has expired
   * @throws {TokenReferencedError} 409, without a grace period, if a foreign key of the app's own tables refers to the
   * old token
   */
  rotate (id: string, rotation?: RotateToken, options?: ChangeOptions): Promise<Token>

  /**
   * Checks whether a value is a token that is valid now and has all of `scopes`. Returns the user and the token, or
   * the reason why the token is not valid. A valid token counts as used, unless `touch` is `false`.
   *
   * @throws {InvalidInputError} 400 if the argument is not `{ token, scopes?, touch? }`, or a scope is unknown
   */
  verify (token: VerifyToken): Promise<Verification>
}
