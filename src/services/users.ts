import { setTimeout } from 'node:timers/promises'
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
import { changedMembers, type CreateEntry } from './audit-entries.js'
import { checkDataSize } from './check-data-size.js'
import { copyInput } from './copy-input.js'
import { toId, toKey } from './ids.js'
import { mergePatch } from './merge-patch.js'
import { toToken, toUser } from './serializers.js'
import { createTurns } from './turns.js'
import type { EditUser } from './user-service.js'

/** A user, and the revision of its record. */
export interface Versioned<T = User> { user: T, revision: number }

/** A user with its tokens. `more` tells whether the user has older tokens, too. */
export interface FoundUser extends Versioned<UserWithTokens> { more: boolean }

/** Returns whether the caller expects this revision of a user. */
export type IsExpected = (revision: number) => boolean

/**
 * The user service for the routes of this package. Routes pass the source of each change.
 *
 * Methods with `isExpected` throw ChangedMeanwhileError, and change nothing, if the user has another revision.
 */
export interface UserRouteService {
  /**
   * Creates a user. With the option `duplicateEmail: 'return'`, returns the stored user with the same address, if there
   * is one. `created` tells whether the call created the user.
   */
  createOrReturn (user: CreateUser, source: ChangeSource): Promise<Versioned & { created: boolean }>
  /** Does the same as `createOrReturn` with `duplicateEmail: 'return'`. */
  findOrCreate (user: CreateUser, source: ChangeSource): Promise<Versioned & { created: boolean }>
  get (id: string): Promise<FoundUser>
  getByEmail (email: string): Promise<FoundUser>
  /** Lists users. `more` tells whether more users follow. With `count`, `total` is the number of matching users. */
  page (query: ListUsers): Promise<{ users: User[], more: boolean, total: number | undefined }>
  update (id: string, changes: UpdateUser, source: ChangeSource, isExpected?: IsExpected): Promise<Versioned>
  /** Replaces the `data` of a user as a whole. */
  replaceData (
    id: string, data: Record<string, unknown>, source: ChangeSource, isExpected?: IsExpected
  ): Promise<Versioned>
  edit (id: string, change: EditUser, source: ChangeSource): Promise<User>
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

// An attempt fails only if another call changes the user meanwhile. The limit ends the loop for a faulty storage whose
// every attempt fails.
const maxAttempts = 100

// A reply with a user has at most this number of tokens.
const maxTokens = 1000

// The longest time that a call waits for earlier calls, in milliseconds. The limit is necessary because the function
// that the app passes to `edit` may never end.
const longestWait = 5000

const validateCreate = validator(CreateUser)
const validateUpdate = validator(UpdateUser)
const validatePage = validator(ListUsers)

/** Creates the service for users. Each error that `storage` throws must be an error of errors.ts. */
export function createUserService (
  storage: Storage, publish: Publish, createEntry: CreateEntry, options: UserServiceOptions
): UserRouteService {
  const turns = createTurns(longestWait)
  const checkSize = (data: UserRecord['data']) => checkDataSize(data, options.maxDataSize)

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
      const stored = await storage.createUser(user, createEntry('user.created', source))
      if (stored !== 'taken') {
        publish('user:created', source, { userId: toId('user', stored.id) })
        return { ...versioned(stored), created: true }
      }
      if (duplicateEmail === 'reject') throw new EmailTakenError()
      const existing = await storage.findUserByEmail(user.email)
      // If the user with this address has been deleted meanwhile, the address is free. The next attempt then creates
      // the user.
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

  async function withTokens (user: UserRecord | undefined): Promise<FoundUser> {
    if (user === undefined) throw new UserNotFoundError()
    const newest = await storage.listTokens({ userId: user.id, order: 'desc', limit: maxTokens + 1 })
    const tokens = newest.slice(0, maxTokens).reverse().map(({ token }) => toToken(token))
    return {
      user: Object.assign(toUser(user), { api_tokens: tokens }),
      revision: user.revision,
      more: newest.length > maxTokens
    }
  }

  /**
   * Writes changes that are valid already. Returns `undefined` if the user is absent, or does not have the given
   * `revision`.
   */
  async function write (key: string, changes: UserChanges, source: ChangeSource, revision?: number) {
    const { email, data } = changes
    const changed = changedMembers(changes)
    const updated = await storage.updateUser(key, {
      ...changes,
      ...email !== undefined && { email: normalizeEmail(email) },
      ...data !== undefined && { data: checkSize(data) }
    }, revision, createEntry('user.updated', source, changed))
    if (updated === 'absent') return undefined
    if (updated === 'taken') throw new EmailTakenError()
    if (updated === 'referenced') throw new UserReferencedError()
    if (changed.length > 0) publish('user:updated', source, { userId: toId('user', updated.id), changed })
    return versioned(updated)
  }

  /**
   * Reads a user, and calls `change` with the record. `change` writes a change that depends on this record. `change`
   * returns `undefined` if another call has changed the user meanwhile. This function then starts over. In one process,
   * calls of this function for one user run one after the other. So a call starts over only after a change by another
   * process, or by an update that does not use this function.
   */
  async function changeAsRead<T> (
    key: string, isExpected: IsExpected | undefined, change: (user: UserRecord) => Awaitable<T | undefined>
  ): Promise<T> {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const changed = await turns.inTurn(key, async () => {
        const user = found(await storage.findUser(key))
        if (isExpected?.(user.revision) === false) throw new ChangedMeanwhileError()
        return change(user)
      })
      if (changed !== undefined) return changed
      // If several processes change the user, pauses of random length make it likely that each process succeeds.
      await setTimeout(Math.random() * Math.min(2 ** attempt, 32))
    }
    throw new StorageUnavailableError(new Error('Other calls change the user too often'))
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
      // The form of the address is not checked, because earlier versions may have accepted and stored other forms.
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

    async edit (id, change, source) {
      if (typeof change !== 'function') throw new InvalidInputError('Expected a function as the second argument')
      const key = userKey(id)
      const { user } = await changeAsRead(key, undefined, async (stored) => {
        // `change` gets a copy, so that it cannot change `stored`, which `edit` returns if there is nothing to change.
        const returned = await turns.callAsHolder(key, () => change(structuredClone(toUser(stored)))) ?? undefined
        if (returned === undefined) return versioned(stored)
        const changes = copyInput(returned)
        validateUpdate(changes)
        return write(stored.id, changes, source, stored.revision)
      })
      return user
    },

    async delete (id, source, isExpected) {
      const key = userKey(id)
      const remove = async (revision?: number) => {
        const deleted = await storage.deleteUser(key, revision, createEntry('user.deleted', source))
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
