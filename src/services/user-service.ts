import type { Awaitable } from '../storage/storage-adapter.js'
import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateUser, ListUsers, UpdateUser, User, UserWithTokens } from '../schemas/users.js'

/** Returns the changes to make to a user, or nothing if the user stays as it is. */
export type EditUser = (user: User) => Awaitable<UpdateUser | null | undefined | void>

/**
 * Manages users from the app's own code. The HTTP routes apply the same rules.
 *
 * Each method may throw StorageUnavailableError, 503. Methods that change something take `{ actor }` as their last
 * argument. The audit events name this actor.
 */
export interface UserService {
  /**
   * Creates a user. `name` defaults to `null`, and `max_concurrent_bots` to the option `defaultMaxConcurrentBots`.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {EmailTakenError} 409 if another user has the address; with the option `duplicateEmail: 'return'`, that
   * user is returned instead, unchanged
   */
  create (user: CreateUser, options?: ChangeOptions): Promise<User>

  /**
   * Returns the user with the e-mail address, unchanged, or creates it as `create` does. `created` tells which of the
   * two. If several calls have one address at the same time, exactly one of them creates the user.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   */
  findOrCreate (user: CreateUser, options?: ChangeOptions): Promise<{ user: User, created: boolean }>

  /**
   * Returns the user with this id, and its tokens in order of creation.
   *
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  get (id: string): Promise<UserWithTokens>

  /**
   * Returns the user with this e-mail address, in any letter case, and its tokens in order of creation.
   *
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  getByEmail (email: string): Promise<UserWithTokens>

  /**
   * Lists users in order of creation, or in reverse with `order: 'desc'`. `limit` is the maximum number of users: 1 to
   * 1000, default 100. For the next page, pass the id of the last user as `after`. `search` and `disabled` select
   * users.
   *
   * @throws {InvalidInputError} 400 if the argument is not valid
   */
  list (page?: Omit<ListUsers, 'count'>): Promise<User[]>

  /**
   * Updates the members that are given, and leaves the others as they are. `data` is a JSON Merge Patch (RFC 7396).
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {EmailTakenError} 409 if another user has the address
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the address
   */
  update (id: string, changes: UpdateUser, options?: ChangeOptions): Promise<User>

  /**
   * Reads a user, calls `edit` with it, and makes the changes that `edit` returns or resolves with. If another call
   * changes the user meanwhile, starts over: `edit` may be called several times. `data` in the changes replaces the
   * stored `data` as a whole. If `edit` returns nothing, the user stays as it is.
   *
   * @throws {InvalidInputError} 400 if an argument or the changes are not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {EmailTakenError} 409 if another user has the address
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the address
   * @throws the error that `edit` throws
   * @example
   * await app.vexaAdmin.users.edit(id, ({ data }) => ({ data: { ...data, seats: Number(data?.seats ?? 0) + 1 } }))
   */
  edit (id: string, edit: EditUser, options?: ChangeOptions): Promise<User>

  /**
   * Deletes a user and all of its tokens.
   *
   * @throws {InvalidInputError} 400 if `options` is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the user or one of its tokens
   */
  delete (id: string, options?: ChangeOptions): Promise<void>
}
