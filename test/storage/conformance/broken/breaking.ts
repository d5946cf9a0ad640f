import { setImmediate } from 'node:timers/promises'
import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { NewUserRecord, StorageAdapter, TokenWithUser, UserRecord } from '../../../../src/index.js'
import { storageMethodNames } from '../../../../src/storage/storage-adapter.js'

/** Returns methods that replace those of `storage` and are broken in one way. */
export type Breaking = (storage: MemoryStorage) => Partial<StorageAdapter>

/** Broken storages by the name of the conformance case that catches them, then by their fault. */
export type ByCase<T> = Readonly<Record<string, Readonly<Record<string, T>>>>
export type BrokenByCase = ByCase<Breaking>

type AnyMethod = (...parameters: any[]) => Promise<unknown>

/** Returns a method of `storage`, for parameters of any type. */
export function callOf (storage: StorageAdapter, name: keyof StorageAdapter): AnyMethod {
  return async (...parameters) => (storage[name] as AnyMethod)(...parameters)
}

/** Returns a storage with the methods of `storage`, some of them replaced. */
export function replacing (storage: MemoryStorage, methods: Partial<StorageAdapter>): StorageAdapter {
  const all = storageMethodNames.map((name) => [name, methods[name] ?? storage[name].bind(storage)])
  return Object.fromEntries(all)
}

export const changedUser =
  (change: (user: UserRecord) => UserRecord) =>
    (storage: MemoryStorage): Partial<StorageAdapter> => ({
      findUser: async (id) => {
        const user = await storage.findUser(id)
        return user && change(user)
      },
      createUser: async (user) => {
        const created = await storage.createUser(user)
        return created === 'taken' ? created : change(created)
      }
    })
export const changedName = (change: (name: string) => string) =>
  changedUser((user) => ({ ...user, name: user.name && change(user.name) }))
export const storedEmail =
  (change: (email: string) => string) =>
    (storage: MemoryStorage): Partial<StorageAdapter> => ({
      createUser: async (user: NewUserRecord) => {
        const all = await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })
        return all.some(({ email }) => change(email) === change(user.email)) ? 'taken' : storage.createUser(user)
      }
    })
export const searching =
  (matches: (text: string, search: string) => boolean) =>
    (storage: MemoryStorage): Partial<StorageAdapter> => {
      const found = async (search?: string) =>
        (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })).filter(
          ({ email, name }) =>
            search === undefined || matches(email, search) || matches((name ?? '').toLowerCase(), search)
        )
      return {
        listUsers: async ({ search, ...page }) =>
          search === undefined
            ? storage.listUsers(page)
            : (await found(search)).slice(page.skip, page.skip + page.limit),
        countUsers: async ({ search } = {}) => (await found(search)).length
      }
    }

const newUserRecord: NewUserRecord = {
  email: 'user@example.com',
  name: null,
  max_concurrent_bots: 3,
  data: null,
  created_at: '2024-01-01T12:00:00.000Z'
}

/** Answers of methods that hide a failed write. */
const lies: Array<[answer: string, method: keyof StorageAdapter, lie: AnyMethod]> = [
  ['a user who is not kept', 'createUser', async (user) => ({ ...user, id: '77', disabled: false, revision: 0 })],
  ["'taken'", 'createUser', async () => 'taken'],
  ["'absent'", 'updateUser', async () => 'absent'],
  [
    'a user who stays as it was',
    'updateUser',
    async (id, changes) => ({ ...newUserRecord, ...changes, id, disabled: false, revision: 1 })
  ],
  [
    'a token that is not kept',
    'createToken',
    async ({ hash, ...token }) => ({ ...token, id: '77', last_used_at: null })
  ],
  ["'absent'", 'createToken', async () => 'absent'],
  ["'absent'", 'rotateToken', async () => 'absent'],
  ["'rejected'", 'rotateToken', async () => 'rejected'],
  [
    'a successor that is not kept',
    'rotateToken',
    async (id, replace) => {
      const { hash, ...token } = replace({ id, last_used_at: null }).successor
      return { ...token, id: '77', last_used_at: null }
    }
  ],
  ['that it is done', 'touchTokens', async () => {}],
  ['true', 'revokeToken', async () => true],
  ['false', 'revokeToken', async () => false],
  ['that it is done', 'revokeTokens', async () => {}],
  ['true', 'deleteUser', async () => true],
  ['false', 'deleteUser', async () => false]
]

/** Returns the result of `make` for each answer that hides a failed write, by a description of the fault. */
export function lyingAbout<T> (make: (method: keyof StorageAdapter, lie: AnyMethod) => T): Record<string, T> {
  return Object.fromEntries(
    lies.map(([answer, method, lie]) => [`${method} answers ${answer} when its write fails`, make(method, lie)])
  )
}

/** Breaks `createToken`: it looks the user up first, and keeps a token in `orphans` if the user is then deleted. */
export const leavingOrphans =
  (orphans: Map<string, TokenWithUser>): Breaking =>
    (storage) => ({
      createToken: async (token) => {
        const user = await storage.findUser(token.user_id)
        await setImmediate()
        const created = await storage.createToken(token)
        if (created !== 'absent' || user === undefined) return created
        const orphan = { ...token, id: `9${orphans.size}`, last_used_at: null }
        orphans.set(token.hash.toString('hex'), { token: orphan, user })
        return orphan
      },
      findTokenByHash: async (hash) => (await storage.findTokenByHash(hash)) ?? orphans.get(hash.toString('hex'))
    })
