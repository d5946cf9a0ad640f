import {
  EmailTakenError, InvalidInputError, StorageUnavailableError, UserNotFoundError, UserReferencedError
} from '../errors.js'
import type { ChangeSource, Publish } from '../events.js'
import { normalizeEmail, normalizeForSearch } from '../normalize.js'
import { canNormalize } from '../schemas/text.js'
import { CreateUser, ListUsers, UpdateUser, type User, type UserWithTokens } from '../schemas/users.js'
import { validator } from '../schemas/validator.js'
import type { Storage, UserRecord } from '../storage/storage-adapter.js'
import { toId, toKey } from './ids.js'
import { mergePatch } from './merge-patch.js'
import { toToken, toUser } from './serializers.js'
import type { UserService } from './user-service.js'

/** The user service for the routes of this package. They pass the source of each change. */
export interface UserRouteService extends Pick<UserService, 'get' | 'getByEmail'> {
  /** Creates a user. With `duplicateEmail: 'return'`, may return a stored user instead: `created` is then `false`. */
  createOrReturn (user: CreateUser, source: ChangeSource): Promise<{ user: User, created: boolean }>
  /** Lists users. `more` tells whether more users follow. With `count`, `total` is the number of all that match. */
  page (query: ListUsers): Promise<{ users: User[], more: boolean, total: number | undefined }>
  update (id: string, changes: UpdateUser, source: ChangeSource): Promise<User>
  delete (id: string, source: ChangeSource): Promise<void>
}

export interface UserServiceOptions {
  /** `max_concurrent_bots` of a user who is created without it. */
  defaultMaxConcurrentBots: number
  /** Whether creating a user whose address is taken throws EmailTakenError, or returns the stored user. */
  duplicateEmail: 'reject' | 'return'
}

const maxDataBytes = 16 * 1024
// An attempt fails only if another call succeeds meanwhile. The limit is for a storage that contradicts itself.
const maxAttempts = 100

const validateCreate = validator(CreateUser)
const validateUpdate = validator(UpdateUser)
const validatePage = validator(ListUsers)

/** Creates the service for users. Each error that `storage` throws must have a code of this package. */
export function createUserService (storage: Storage, publish: Publish, options: UserServiceOptions): UserRouteService {
  async function createOrReturn (input: CreateUser, source: ChangeSource) {
    validateCreate(input)
    const { email, name, max_concurrent_bots: maxConcurrentBots, data } = input
    const user = {
      email: normalizeEmail(email),
      name: name ?? null,
      max_concurrent_bots: maxConcurrentBots ?? options.defaultMaxConcurrentBots,
      data: checkSize(data ?? null),
      created_at: new Date().toISOString()
    }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = await storage.createUser(user)
      if (stored !== 'taken') {
        publish('user:created', source, { userId: toId('user', stored.id) })
        return { user: toUser(stored), created: true }
      }
      if (options.duplicateEmail === 'reject') throw new EmailTakenError()
      const existing = await storage.findUserByEmail(user.email)
      // If the user has been deleted meanwhile, the address is free: try again.
      if (existing !== undefined) return { user: toUser(existing), created: false }
    }
    throw new StorageUnavailableError(new Error('The storage reports an address as taken, but has no user with it'))
  }

  async function page (query: ListUsers) {
    validatePage(query)
    const { skip = 0, limit = 100, order = 'asc', after, search, count = false } = query
    const needle = search === undefined ? undefined : normalizeForSearch(search)
    const users = await storage.listUsers({
      order,
      after: after && toKey('user', after),
      skip,
      // One user more than requested shows whether there is a next page.
      limit: limit + 1,
      search: needle
    })
    const total = count ? await storage.countUsers(needle) : undefined
    return { users: users.slice(0, limit).map(toUser), more: users.length > limit, total }
  }

  async function withTokens (user: UserRecord | undefined): Promise<UserWithTokens> {
    if (user === undefined) throw new UserNotFoundError()
    const tokens = await storage.listTokens(user.id)
    return Object.assign(toUser(user), { api_tokens: tokens.map((token) => toToken(token)) })
  }

  async function update (id: string, changes: UpdateUser, source: ChangeSource): Promise<User> {
    validateUpdate(changes)
    const key = toKey('user', id)
    if (key === undefined) throw new UserNotFoundError()
    const { data, ...rest } = changes
    const changed = Object.entries(changes).filter(([, value]) => value !== undefined).map(([name]) => name)
    const plain = rest.email === undefined ? rest : { ...rest, email: normalizeEmail(rest.email) }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      // A patch of `data` depends on the stored `data`, so it is written only if the user has not changed meanwhile.
      const stored = data === undefined ? undefined : await storage.findUser(key)
      if (data !== undefined && stored === undefined) throw new UserNotFoundError()
      const patched = stored && { data: checkSize(mergePatch(stored.data, data) as UserRecord['data']) }
      const updated = await storage.updateUser(key, { ...plain, ...patched }, stored?.revision)
      if (updated === 'taken') throw new EmailTakenError()
      if (updated === 'referenced') throw new UserReferencedError()
      if (updated !== 'absent') {
        if (changed.length > 0) publish('user:updated', source, { userId: toId('user', updated.id), changed })
        return toUser(updated)
      }
      if (stored === undefined) throw new UserNotFoundError()
    }
    throw new StorageUnavailableError(new Error('The user changes faster than its data can be patched'))
  }

  return {
    createOrReturn,
    page,
    update,

    async get (id) {
      const key = toKey('user', id)
      return withTokens(key === undefined ? undefined : await storage.findUser(key))
    },

    async getByEmail (email) {
      // The form of the address is not checked, because a stored address may have been valid under older rules.
      const known = typeof email === 'string' && canNormalize(email)
      return withTokens(known ? await storage.findUserByEmail(normalizeEmail(email)) : undefined)
    },

    async delete (id, source) {
      const key = toKey('user', id)
      const deleted = key !== undefined && await storage.deleteUser(key)
      if (deleted === 'referenced') throw new UserReferencedError()
      if (!deleted) throw new UserNotFoundError()
      publish('user:deleted', source, { userId: toId('user', key) })
    }
  }
}

/** @throws {InvalidInputError} 400 if the data is larger than 16 KiB as JSON */
function checkSize (data: UserRecord['data']): UserRecord['data'] {
  if (data !== null && Buffer.byteLength(JSON.stringify(data)) > maxDataBytes) {
    throw new InvalidInputError('data must be at most 16 KiB as JSON')
  }
  return data
}
