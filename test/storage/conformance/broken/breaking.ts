import { setImmediate } from 'node:timers/promises'
import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type {
  AuditedStorageAdapter, ListedToken, NewUserRecord, PortableStorageAdapter, StorageAdapter, TokenFilter, TokenRecord,
  TokenWithUser, UserRecord, VersionedStorageAdapter
} from '../../../../src/index.js'
import { auditMethodNames, portableMethodNames, storageMethodNames } from '../../../../src/storage/storage-adapter.js'

/** A storage with all optional methods. */
export type AnyStorage = AuditedStorageAdapter & PortableStorageAdapter

/** Returns methods that replace those of `storage` and are broken in one way. */
export type Breaking = (storage: MemoryStorage) => Partial<AnyStorage & VersionedStorageAdapter>

/** The names of all methods of AnyStorage. */
export const allMethodNames = [...storageMethodNames, ...auditMethodNames, ...portableMethodNames]

/** Broken storages by the name of the conformance case that catches them, then by their fault. */
export type ByCase<T> = Readonly<Record<string, Readonly<Record<string, T>>>>
export type BrokenByCase = ByCase<Breaking>

export type AnyMethod = (...parameters: any[]) => Promise<unknown>

/** Returns a method of `storage`, for parameters of any type. */
export function callOf (storage: AnyStorage, name: keyof AnyStorage): AnyMethod {
  return async (...parameters) => (storage[name] as AnyMethod)(...parameters)
}

/** Returns a storage with the methods of `storage`, some of them replaced. */
export function replacing (storage: MemoryStorage, methods: ReturnType<Breaking>): StorageAdapter {
  const all = allMethodNames.map((name) => [name, methods[name] ?? storage[name].bind(storage)])
  const { dataVersion } = methods
  return { ...Object.fromEntries(all), ...(dataVersion && { dataVersion }) }
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

/** Returns all tokens of all users. */
export async function allTokens (storage: StorageAdapter): Promise<TokenRecord[]> {
  return (await storage.listTokens({ order: 'asc', limit: 1000 })).map(({ token }) => token)
}

/** Breaks one filter of tokens: it selects those that `matches` accepts. */
export const filtering =
  <Name extends keyof TokenFilter>(
    name: Name, matches: (token: TokenRecord, value: NonNullable<TokenFilter[Name]>) => boolean
  ): Breaking =>
    (storage) => {
      const found = async (filter: TokenFilter, order: 'asc' | 'desc' = 'asc') => {
        const { [name]: value, ...rest } = filter
        const tokens = await storage.listTokens({ order, limit: 1000, ...rest })
        return tokens.filter(({ token }) =>
          value === undefined || matches(token, value as NonNullable<TokenFilter[Name]>))
      }
      return {
        listTokens: async ({ limit, order, ...filter }) => (await found(filter, order)).slice(0, limit),
        countTokens: async (filter = {}) => (await found(filter)).length
      }
    }

/** Changes each token that a list, `findToken` or `findTokenByHash` returns. */
export const changedToken =
  (change: (token: TokenRecord) => TokenRecord) =>
    (storage: MemoryStorage): Partial<StorageAdapter> => {
      const changed = <Found extends ListedToken>(found: Found) => ({ ...found, token: change(found.token) })
      return {
        findToken: async (id) => {
          const found = await storage.findToken(id)
          return found && changed(found)
        },
        findTokenByHash: async (hash) => {
          const found = await storage.findTokenByHash(hash)
          return found && changed(found)
        },
        listTokens: async (page) => (await storage.listTokens(page)).map(changed)
      }
    }

/** Reads the token that `replace` or `change` gets before another call can run, and not again. */
export async function readEarly (storage: StorageAdapter, id: string): Promise<TokenRecord | undefined> {
  const found = await storage.findToken(id)
  await setImmediate()
  return found?.token
}

const newUserRecord: NewUserRecord = {
  email: 'user@example.com',
  name: null,
  max_concurrent_bots: 3,
  data: null,
  created_at: '2024-01-01T12:00:00.000Z'
}

/** Answers of methods that hide a failed write. */
const lies: Array<[answer: string, method: keyof AnyStorage, lie: AnyMethod]> = [
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
  ["'absent'", 'updateToken', async () => 'absent'],
  ["'rejected'", 'updateToken', async () => 'rejected'],
  [
    'a token that stays as it was',
    'updateToken',
    async (id, change) => ({ id, ...change({ id, last_used_at: null, disabled: false }) })
  ],
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
  ['that no token has expired', 'pruneTokens', async () => ({ deleted: 0 })],
  ['the number of expired tokens', 'pruneTokens', async () => ({ deleted: 1, last: '1' })],
  ['that no entry is old', 'pruneAudit', async () => ({ deleted: 0 })],
  ['the number of old entries', 'pruneAudit', async () => ({ deleted: 1, last: '1' })],
  [
    'users who are not kept',
    'importUsers',
    async ({ records }) => records.map((user: object) => ({ user: { ...user, id: '77', revision: 0 }, created: true }))
  ],
  [
    'tokens that are not kept',
    'importTokens',
    async ({ records }) => records.map(({ hash, ...token }: { hash: Buffer }) =>
      ({ token: { ...token, id: '77' }, created: true }))
  ],
  ["'rejected'", 'importUsers', async () => ['rejected']],
  ["'absent'", 'importTokens', async () => ['absent']],
  ['true', 'deleteUser', async () => true],
  ['false', 'deleteUser', async () => false]
]

/** Returns the result of `make` for each answer that hides a failed write, by a description of the fault. */
export function lyingAbout<T> (make: (method: keyof AnyStorage, lie: AnyMethod) => T): Record<string, T> {
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
