import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateUser, ListUsers, UpdateUser, User, UserWithTokens } from '../schemas/users.js'

/** The users, for the host's own code. The HTTP routes call the same methods. Each may throw StorageUnavailableError, 503. Those that change something take `{ actor }` last. */
export interface UserService {
  /**
   * Creates a user. What is missing defaults as over HTTP.
   *
   * @throws {InvalidInputError} 400
   * @throws {EmailTakenError} 409, unless the option `duplicateEmail` is `'return'`: then the stored user is returned, unchanged
   */
  create (user: CreateUser, options?: ChangeOptions): Promise<User>

  /**
   * The user with this id, and its tokens in order of creation.
   *
   * @throws {UserNotFoundError} 404
   */
  get (id: string): Promise<UserWithTokens>

  /**
   * The user with this e-mail address, in whichever case, and its tokens.
   *
   * @throws {UserNotFoundError} 404
   */
  getByEmail (email: string): Promise<UserWithTokens>

  /**
   * Users in order of creation: at most `limit` (1 to 1000, default 100). For the next page, pass the last user's id as `after`.
   *
   * @throws {InvalidInputError} 400
   */
  list (page?: Omit<ListUsers, 'count'>): Promise<User[]>

  /**
   * Changes what is given, and leaves the rest as it is. `data` is a JSON Merge Patch (RFC 7396).
   *
   * @throws {InvalidInputError} 400
   * @throws {UserNotFoundError} 404
   * @throws {EmailTakenError} 409
   * @throws {UserReferencedError} 409, if a foreign key of the app's own tables forbids it
   */
  update (id: string, changes: UpdateUser, options?: ChangeOptions): Promise<User>

  /**
   * Deletes a user and all of its tokens.
   *
   * @throws {InvalidInputError} 400
   * @throws {UserNotFoundError} 404
   * @throws {UserReferencedError} 409, if a foreign key of the app's own tables forbids it
   */
  delete (id: string, options?: ChangeOptions): Promise<void>
}
