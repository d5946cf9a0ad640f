import assert from 'node:assert/strict'
import type {
  NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, UserPage, UserRecord
} from '../storage-adapter.js'

/** Returns the result of `call` as a promise. The promise also rejects if `call` throws synchronously. */
export async function attempt<T> (call: () => Promise<T>): Promise<T> {
  return await call()
}

export const time = (minute: number) => `2024-01-01T12:${String(minute).padStart(2, '0')}:00.123Z`

export function newUser (changes: Partial<NewUserRecord> = {}): NewUserRecord {
  return {
    email: 'user@example.com',
    name: 'John Doe',
    max_concurrent_bots: 3,
    data: null,
    created_at: time(0),
    ...changes
  }
}

/** Returns hash number `n`. The 32 bytes of a hash are all different. */
export function hashOf (n: number): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 8 + n) % 256))
}

export function newToken (userId: string, n: number, changes: Partial<NewTokenRecord> = {}): NewTokenRecord {
  return {
    user_id: userId,
    hash: hashOf(n),
    name: null,
    scopes: null,
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: time(n % 60),
    ...changes
  }
}

/** Creates a user in the storage. Throws if the storage returns `'taken'`. */
export async function createUser (storage: StorageAdapter, changes: Partial<NewUserRecord> = {}): Promise<UserRecord> {
  const user = await storage.createUser(newUser(changes))
  if (user === 'taken') {
    assert.fail(`createUser returned 'taken' for a free address: ${changes.email ?? 'user@example.com'}`)
  }
  return user
}

/** Creates a token in the storage. Throws if the storage returns `'absent'`. */
export async function createToken (
  storage: StorageAdapter,
  userId: string,
  n: number,
  changes: Partial<NewTokenRecord> = {}
): Promise<TokenRecord> {
  const token = await storage.createToken(newToken(userId, n, changes))
  if (token === 'absent') assert.fail("createToken returned 'absent' for an existing user")
  return token
}

/** Returns the addresses of a page of users. */
export async function emails (storage: StorageAdapter, page: Partial<UserPage> = {}): Promise<string[]> {
  const users = await storage.listUsers({ order: 'asc', skip: 0, limit: 100, ...page })
  return users.map(({ email }) => email)
}

/** Returns all tokens of a user in order of creation. */
export async function tokensOf (storage: StorageAdapter, userId: string): Promise<TokenRecord[]> {
  return (await storage.listTokens({ userId, order: 'asc', limit: 1000 })).map(({ token }) => token)
}

/** Throws unless `value` is `undefined` or `null`. */
export function assertNothing (value: unknown, message: string): void {
  assert.equal(value ?? undefined, undefined, message)
}

/** Returns keys that no storage creates. Some of these keys are similar to `key`, which the storage has created. */
export function strangeKeys (key: string): string[] {
  return [
    'no-such-key', '-1', '999999999999', '9007199254740993', '9223372036854775808', '1'.repeat(64), 'x'.repeat(64),
    '_', '__proto__', 'constructor', `${key}-`, `-${key}`, `${key}_`, `0${key}`, `${key}0000000`
  ]
}
