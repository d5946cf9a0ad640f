import type { Awaitable } from '../storage/storage-adapter.js'
import type { ChangeOptions } from '../schemas/change-options.js'
import type { CreateUser, ListUsers, UpdateUser, User, UserWithTokens } from '../schemas/users.js'

/** Returns the changes to make to a user. Returns nothing if the user is to stay as it is. */
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
   * @throws {EmailTakenError} 409 if another user has the address. With the option `duplicateEmail: 'return'`, the call
   * returns that user, unchanged
   */
  create (user: CreateUser, options?: ChangeOptions): Promise<User>

  /**
   * Returns the user with the e-mail address, unchanged. If there is no such user, creates the user as `create` does.
   * `created` tells whether the call created the user. If several calls have the same address at the same time, exactly
   * one call creates the user.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   */
  findOrCreate (user: CreateUser, options?: ChangeOptions): Promise<{ user: User, created: boolean }>

  /**
   * Returns the user with this id, and its tokens in order of creation. If the user has more than 1000 tokens, returns
   * the newest 1000. `tokens.list` returns all of them, page by page.
   *
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  get (id: string): Promise<UserWithTokens>

  /**
   * Returns the user with this e-mail address, in any letter case, and its tokens as `get` does.
   *
   * @throws {UserNotFoundError} 404 if there is no such user
   */
  getByEmail (email: string): Promise<UserWithTokens>

  /**
   * Lists users in order of creation, or in reverse order with `order: 'desc'`. `limit` is the maximum number of users:
   * 1 to 1000, default 100. For the next page, pass the id of the last user as `after`. `search` and `disabled` select
   * users.
   *
   * @throws {InvalidInputError} 400 if the argument is not valid
   */
  list (page?: Omit<ListUsers, 'count'>): Promise<User[]>

  /**
   * Updates the given members, and leaves all other members as they are. `data` is a JSON Merge Patch (RFC 7396).
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {EmailTakenError} 409 if another user has the address
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the address
   */
  update (id: string, changes: UpdateUser, options?: ChangeOptions): Promise<User>

  /**
   * Reads a user, calls `change` with it, and makes the changes that `change` returns or resolves with. If another call
   * changes the user meanwhile, reads the user again, and calls `change` again. `data` in the changes replaces the
   * stored `data` as a whole. If `change` returns nothing, the user stays as it is.
   *
   * In one process, calls for one user run one after the other. A call that has waited 5 seconds starts without waiting
   * any longer.
   * Your function may call other methods that change the same user. These other methods do not wait for the call of
   * `edit`.
   *
   * @throws {InvalidInputError} 400 if an argument or the changes are not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {EmailTakenError} 409 if another user has the address
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the address
   * @throws the error that `change` throws
   * @example
   * await app.vexaAdmin.users.edit(id, ({ data }) => ({ data: { ...data, seats: Number(data?.seats ?? 0) + 1 } }))
   */
  edit (id: string, change: EditUser, options?: ChangeOptions): Promise<User>

  /**
   * Deletes a user and all of its tokens.
   *
   * @throws {InvalidInputError} 400 if `options` is not valid
   * @throws {UserNotFoundError} 404 if there is no such user
   * @throws {UserReferencedError} 409 if a foreign key of the app's own tables refers to the user or one of its tokens
   */
  delete (id: string, options?: ChangeOptions): Promise<void>
}
