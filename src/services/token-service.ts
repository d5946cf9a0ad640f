import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateToken, RotateToken, Token, VerifyToken } from '../schemas/tokens.js'
import type { Verification } from '../schemas/verification.js'

/** The API tokens, for the host's own code. The HTTP routes call the same methods. Each may throw StorageUnavailableError, 503. Those that change something take `{ actor }` last. */
export interface TokenService {
  /**
   * Mints a token for a user. The reply holds its value, which is kept nowhere and shown by no other call.
   *
   * @throws {InvalidInputError} 400
   * @throws {UserNotFoundError} 404
   */
  create (userId: string, token?: CreateToken, options?: ChangeOptions): Promise<Token>

  /**
   * A user's tokens in order of creation, their values hidden.
   *
   * @throws {UserNotFoundError} 404
   */
  list (userId: string): Promise<Token[]>

  /**
   * Revokes a token: when the promise resolves, it opens nothing any more.
   *
   * @throws {InvalidInputError} 400
   * @throws {TokenNotFoundError} 404, also if it was revoked before
   * @throws {TokenReferencedError} 409, if a foreign key of the app's own tables forbids it
   */
  revoke (id: string, options?: ChangeOptions): Promise<void>

  /**
   * Revokes all tokens of a user.
   *
   * @throws {InvalidInputError} 400
   * @throws {UserNotFoundError} 404
   * @throws {TokenReferencedError} 409, if a foreign key of the app's own tables forbids it for one of them: then none is revoked
   */
  revokeAll (userId: string, options?: ChangeOptions): Promise<void>

  /**
   * Mints a successor with the token's user, name and scopes, and as long a life as the token was given. The old token is gone
   * at once or, with `grace_period`, expires after so many seconds, or when it would have, whichever is sooner.
   *
   * @throws {InvalidInputError} 400
   * @throws {TokenNotFoundError} 404
   * @throws {TokenExpiredError} 409
   * @throws {TokenReferencedError} 409, if a foreign key of the app's own tables forbids to delete the old token
   */
  rotate (id: string, rotation?: RotateToken, options?: ChangeOptions): Promise<Token>

  /**
   * Whether a value is a token that is valid now and has all of `scopes`. Never throws for a value that is not.
   *
   * @throws {InvalidInputError} 400
   */
  verify (token: VerifyToken): Promise<Verification>
}
