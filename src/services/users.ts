import {
  ChangedMeanwhileError, EmailTakenError, InvalidInputError, StorageUnavailableError, UserNotFoundError,
  UserReferencedError
} from '../errors.js'
import type { ChangeSource, Publish } from '../events.js'
import { normalizeEmail, normalizeForSearch } from '../normalize.js'
import { canNormalize } from '../schemas/text.js'
import { CreateUser, ListUsers, UpdateUser, type User, type UserWithTokens } from '../schemas/users.js'
import { validator } from '../schemas/validator.js'
import type { Awaitable, Storage, UserChanges, UserRecord } from '../storage/storage-adapter.js'
import { toId, toKey } from './ids.js'
import { mergePatch } from './merge-patch.js'
import { toToken, toUser } from './serializers.js'
import type { EditUser } from './user-service.js'

/** A user, and the revision of its record. */
export interface Versioned<T = User> { user: T, revision: number }

/** Returns whether the caller expects this revision of a user. */
export type IsExpected = (revision: number) => boolean

/**
 * The user service for the routes of this package. They pass the source of each change.
 *
 * Methods with `isExpected` throw ChangedMeanwhileError, and change nothing, if the user has another revision.
 */
export interface UserRouteService {
  /** Creates a user. With `duplicateEmail: 'return'`, may return a stored user instead: `created` is then `false`. */
  createOrReturn (user: CreateUser, source: ChangeSource): Promise<Versioned & { created: boolean }>
  /** Does the same as `createOrReturn` with `duplicateEmail: 'return'`. */
  findOrCreate (user: CreateUser, source: ChangeSource): Promise<Versioned & { created: boolean }>
  get (id: string): Promise<Versioned<UserWithTokens>>
  getByEmail (email: string): Promise<Versioned<UserWithTokens>>
  /** Lists users. `more` tells whether more users follow. With `count`, `total` is the number of all that match. */
  page (query: ListUsers): Promise<{ users: User[], more: boolean, total: number | undefined }>
  update (id: string, changes: UpdateUser, source: ChangeSource, isExpected?: IsExpected): Promise<Versioned>
  /** Replaces the `data` of a user as a whole. */
  replaceData (
    id: string, data: Record<string, unknown>, source: ChangeSource, isExpected?: IsExpected
  ): Promise<Versioned>
  edit (id: string, edit: EditUser, source: ChangeSource): Promise<User>
  delete (id: string, source: ChangeSource, isExpected?: IsExpected): Promise<void>
}

export interface UserServiceOptions {
  /** `max_concurrent_bots` of a user who is created without it. */
  defaultMaxConcurrentBots: number
  /** Whether creating a user whose address is taken throws EmailTakenError, or returns the stored user. */
  duplicateEmail: 'reject' | 'return'
  /** Maximum size of `data` as JSON, in bytes. */
  maxDataSize: number
}

// An attempt fails only if another call succeeds meanwhile. The limit is for a storage that contradicts itself.
const maxAttempts = 100

const validateCreate = validator(CreateUser)
const validateUpdate = validator(UpdateUser)
const validatePage = validator(ListUsers)

/** Creates the service for users. Each error that `storage` throws must have a code of this package. */
export function createUserService (storage: Storage, publish: Publish, options: UserServiceOptions): UserRouteService {
  /** @throws {InvalidInputError} 400 if the data is larger than the option `maxDataSize` */
  function checkSize (data: UserRecord['data']): UserRecord['data'] {
    if (data !== null && Buffer.byteLength(JSON.stringify(data)) > options.maxDataSize) {
      throw new InvalidInputError(`data must be at most ${options.maxDataSize} bytes as JSON`)
    }
    return data
  }

  async function create (input: CreateUser, source: ChangeSource, duplicateEmail: 'reject' | 'return') {
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
        return { ...versioned(stored), created: true }
      }
      if (duplicateEmail === 'reject') throw new EmailTakenError()
      const existing = await storage.findUserByEmail(user.email)
      // If the user has been deleted meanwhile, the address is free: try again.
      if (existing !== undefined) return { ...versioned(existing), created: false }
    }
    throw new StorageUnavailableError(new Error('The storage reports an address as taken, but has no user with it'))
  }

  async function page (query: ListUsers) {
    validatePage(query)
    const { skip = 0, limit = 100, order = 'asc', after, search, disabled, count = false } = query
    const filter = { search: search === undefined ? undefined : normalizeForSearch(search), disabled }
    const users = await storage.listUsers({
      order,
      after: after && toKey('user', after),
      skip,
      // One user more than requested shows whether there is a next page.
      limit: limit + 1,
      ...filter
    })
    const total = count ? await storage.countUsers(filter) : undefined
    return { users: users.slice(0, limit).map(toUser), more: users.length > limit, total }
  }

  async function withTokens (user: UserRecord | undefined): Promise<Versioned<UserWithTokens>> {
    if (user === undefined) throw new UserNotFoundError()
    const tokens = await storage.listTokens(user.id)
    const shown = Object.assign(toUser(user), { api_tokens: tokens.map((token) => toToken(token)) })
    return { user: shown, revision: user.revision }
  }

  /** Makes valid changes. Returns `undefined` if the user is absent, or if `revision` is given and stale. */
  async function write (key: string, changes: UserChanges, source: ChangeSource, revision?: number) {
    const { email, data } = changes
    const updated = await storage.updateUser(key, {
      ...changes,
      ...email !== undefined && { email: normalizeEmail(email) },
      ...data !== undefined && { data: checkSize(data) }
    }, revision)
    if (updated === 'absent') return undefined
    if (updated === 'taken') throw new EmailTakenError()
    if (updated === 'referenced') throw new UserReferencedError()
    const changed = Object.entries(changes).filter(([, value]) => value !== undefined).map(([name]) => name)
    if (changed.length > 0) publish('user:updated', source, { userId: toId('user', updated.id), changed })
    return versioned(updated)
  }

  /**
   * Reads a user and calls `change` with it, which makes a change that depends on the user as it was read. Starts over
   * while `change` returns `undefined`, because then another call has changed the user meanwhile.
   */
  async function changeAsRead<T> (
    key: string, isExpected: IsExpected | undefined, change: (user: UserRecord) => Awaitable<T | undefined>
  ): Promise<T> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const user = await storage.findUser(key)
      if (user === undefined) throw new UserNotFoundError()
      if (isExpected?.(user.revision) === false) throw new ChangedMeanwhileError()
      const changed = await change(user)
      if (changed !== undefined) return changed
    }
    throw new StorageUnavailableError(new Error('The user changes faster than a change of it can be written'))
  }

  return {
    createOrReturn: (user, source) => create(user, source, options.duplicateEmail),
    findOrCreate: (user, source) => create(user, source, 'return'),
    page,

    async get (id) {
      const key = toKey('user', id)
      return withTokens(key === undefined ? undefined : await storage.findUser(key))
    },

    async getByEmail (email) {
      // The form of the address is not checked, because a stored address may have been valid under older rules.
      const known = typeof email === 'string' && canNormalize(email)
      return withTokens(known ? await storage.findUserByEmail(normalizeEmail(email)) : undefined)
    },

    async update (id, changes, source, isExpected) {
      validateUpdate(changes)
      const key = userKey(id)
      const { data: patch, ...rest } = changes
      if (patch === undefined && isExpected === undefined) return found(await write(key, rest, source))
      return changeAsRead(key, isExpected, ({ data, revision }) => {
        const patched = patch !== undefined && { data: mergePatch(data, patch) as UserRecord['data'] }
        return write(key, { ...rest, ...patched }, source, revision)
      })
    },

    async replaceData (id, data, source, isExpected) {
      validateUpdate({ data })
      const key = userKey(id)
      if (isExpected === undefined) return found(await write(key, { data }, source))
      return changeAsRead(key, isExpected, ({ revision }) => write(key, { data }, source, revision))
    },

    async edit (id, edit, source) {
      if (typeof edit !== 'function') throw new InvalidInputError('Expected a function as the second argument')
      const { user } = await changeAsRead(userKey(id), undefined, async (stored) => {
        // The function gets its own copy, because `stored` is returned if there is nothing to change.
        const changes = await edit(structuredClone(toUser(stored))) ?? undefined
        if (changes === undefined) return versioned(stored)
        validateUpdate(changes)
        return write(stored.id, changes, source, stored.revision)
      })
      return user
    },

    async delete (id, source, isExpected) {
      const key = userKey(id)
      const remove = async (revision?: number) => {
        const deleted = await storage.deleteUser(key, revision)
        if (deleted === 'referenced') throw new UserReferencedError()
        return deleted || undefined
      }
      if (isExpected === undefined) found(await remove())
      else await changeAsRead(key, isExpected, ({ revision }) => remove(revision))
      publish('user:deleted', source, { userId: toId('user', key) })
    }
  }
}

function versioned (record: UserRecord): Versioned {
  return { user: toUser(record), revision: record.revision }
}

/** @throws {UserNotFoundError} 404 if the text cannot be the id of a user */
function userKey (id: string): string {
  return found(toKey('user', id))
}

/** @throws {UserNotFoundError} 404 if the result is `undefined` */
function found<T> (result: T | undefined): T {
  if (result === undefined) throw new UserNotFoundError()
  return result
}
