import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateToken, RotateToken, UpdateToken, VerifyToken } from '../schemas/token-bodies.js'
import type { FindTokens, FoundToken, ListTokens, PrunedTokens } from '../schemas/token-lists.js'
import type { Token } from '../schemas/tokens.js'
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
   * call returns it. Without `expires_in` the token gets the lifetime of the option `maxTokenLifetime`. If this option
   * is not set, the token never expires. Without `scopes` the token may do everything. Without `prefix` the value gets
   * the first prefix of the option `tokenPrefix`. With the option `tokenStart`, `start` holds the first characters of
   * the value.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  create (userId: string, token?: CreateToken, options?: ChangeOptions): Promise<Token>

  /**
   * Returns the token with this id, and its user.
   *
   * @throws {TokenNotFoundError} 404 if there is no such token
   */
  get (id: string): Promise<FoundToken>

  /**
   * Lists the tokens of all users in order of creation, or in reverse with `order: 'desc'`. `limit` is the maximum
   * number of tokens: 1 to 1000, default 100. For the next page, pass the id of the last token as `after`. The other
   * members select tokens. A token must match each of them.
   *
   * @throws {InvalidInputError} 400 if the argument is not valid
   */
  find (query?: Omit<FindTokens, 'count'>): Promise<FoundToken[]>

  /**
   * Lists the tokens of a user in order of creation, or in reverse with `order: 'desc'`. Their values are `***`.
   * `limit` is the maximum number of tokens: 1 to 1000, default 1000. For the next page, pass the id of the last token
   * as `after`.
   *
   * @throws {InvalidInputError} 400 if `page` is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  list (userId: string, page?: ListTokens): Promise<Token[]>

  /**
   * Updates the given members, and leaves all other members as they are. `data` is a JSON Merge Patch (RFC 7396).
   * `expires_in` counts from now, and a later rotation gives the successor this lifetime. With `disabled: true`, the
   * token is rejected everywhere when the promise resolves. The exception of `revoke` also applies here.
   *
   * A rotated token in its grace period is updated like any other token. `expires_in` may extend it beyond the end of
   * the grace period.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid, or the new `data` is too large
   * @throws {TokenNotFoundError} 404 if there is no such token
   * @throws {TokenExpiredError} 409 if the token has expired
   */
  update (id: string, changes: UpdateToken, options?: ChangeOptions): Promise<Token>

  /**
   * Revokes a token. When the promise resolves, the token is rejected everywhere, with one exception. Another process
   * with the option `tokenCache: { ttl }` may accept the token until the cache drops it.
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
   * @throws {TokenReferencedError} 409 if a foreign key of the app's own tables refers to one of the tokens. In this
   * case, no token is revoked
   */
  revokeAll (userId: string, options?: ChangeOptions): Promise<void>

  /**
   * Rotates a token: creates a successor with the same user, name, scopes, data and lifetime. The successor of a
   * disabled token is disabled. The member `token` of the result is the value of the successor. The value begins with
   * the prefix that `start` of the old token shows, or else with the first prefix of the option `tokenPrefix`.
   *
   * The old token is revoked at once. With `grace_period`, the old token instead expires after that many seconds, or at
   * its own expiry if that is sooner. The option `maxTokenLifetime` limits the lifetime and the grace period.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {TokenNotFoundError} 404 if there is no such token
   * @throws {TokenRotatedError} 409 if the token has been rotated with a grace period, and the successor is still
   * stored and has not expired
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

  /**
   * Deletes all tokens that expired before a time (RFC 3339), and returns the number of deleted tokens. Keeps each
   * token to which a foreign key of the app's own tables refers. Deletes the tokens in batches. If a batch fails, the
   * tokens of the earlier batches stay deleted, and you can repeat the call. No event is published, because an expired
   * token is rejected anyway.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid, or the time is in the future
   */
  prune (expiredBefore: string, options?: ChangeOptions): Promise<PrunedTokens>
}
