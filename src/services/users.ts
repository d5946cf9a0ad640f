import { EmailTakenError, UserNotFoundError } from '../errors.js'
import { normalizeEmail, Page } from '../schemas/atoms.js'
import { validator } from '../schemas/compilers.js'
import { CreateUser, type User, type UserWithTokens } from '../schemas/users.js'
import type { StorageAdapter, UserRecord } from '../storage/storage-adapter.js'
import { toId, toKey } from './ids.js'
import { toToken } from './tokens.js'

/** The users, for the host's own code. The HTTP routes call the same methods. */
export interface UserService {
  /**
   * Creates a user. `max_concurrent_bots` and `name` default as over HTTP.
   *
   * @throws {InvalidInputError} 400
   * @throws {EmailTakenError} 409, unless the option `duplicateEmail` is `'return'`: then the stored user is returned, unchanged
   * @throws {StorageUnavailableError} 503
   */
  create (user: CreateUser): Promise<User>

  /**
   * The user with this id, and its tokens in order of creation.
   *
   * @throws {UserNotFoundError} 404
   * @throws {StorageUnavailableError} 503
   */
  get (id: string): Promise<UserWithTokens>

  /**
   * Users in order of creation.
   *
   * @param page `skip` (default 0): how many to leave out; `limit` (1 to 1000, default 100): how many to return at the most
   * @throws {InvalidInputError} 400
   * @throws {StorageUnavailableError} 503
   */
  list (page?: Page): Promise<User[]>
}

export interface UserServiceOptions {
  defaultMaxConcurrentBots: number
  duplicateEmail: 'reject' | 'return'
}

const validateCreate = validator(CreateUser)
const validatePage = validator(Page)

export function createUserService (storage: StorageAdapter, options: UserServiceOptions) {
  /** As `create`, and says whether the user is new: HTTP has a status for each. */
  async function createOrReturn (input: CreateUser): Promise<{ user: User, created: boolean }> {
    validateCreate(input)
    const { email, name, max_concurrent_bots: maxConcurrentBots } = input
    const user = {
      email: normalizeEmail(email),
      name: name ?? null,
      max_concurrent_bots: maxConcurrentBots ?? options.defaultMaxConcurrentBots,
      created_at: new Date().toISOString()
    }
    for (;;) {
      const inserted = await storage.insertUser(user)
      if (inserted !== 'taken') return { user: toUser(inserted), created: true }
      if (options.duplicateEmail === 'reject') throw new EmailTakenError()
      const stored = await storage.findUserByEmail(user.email)
      // It may have been deleted in between; then the address is free again.
      if (stored !== undefined) return { user: toUser(stored), created: false }
    }
  }

  const service: UserService = {
    async create (input) {
      return (await createOrReturn(input)).user
    },

    async get (id) {
      const key = toKey('user', id)
      const user = key === undefined ? undefined : await storage.findUser(key)
      if (user === undefined) throw new UserNotFoundError()
      const tokens = await storage.listTokens(user.id)
      return { ...toUser(user), api_tokens: tokens.map((token) => toToken(token)) }
    },

    async list (page = {}) {
      validatePage(page)
      const { skip = 0, limit = 100 } = page
      const users = await storage.listUsers({ skip, limit })
      return users.map(toUser)
    }
  }
  return { ...service, createOrReturn }
}

function toUser ({ id, email, name, max_concurrent_bots: maxConcurrentBots, created_at: createdAt }: UserRecord): User {
  return { id: toId('user', id), email, name, max_concurrent_bots: maxConcurrentBots, created_at: createdAt }
}
