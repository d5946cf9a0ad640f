import { InTransactionError, StorageUnavailableError } from '../../errors.js'
import type { Awaitable, OpenStorage, StorageAdapter } from '../storage-adapter.js'
import { checkAnswer, checkToken } from './record-checks.js'

/**
 * Makes one call of a storage and returns its checked answer. A synchronous answer stays synchronous, because a promise
 * would cost time in each token check on SQLite.
 */
export type FaultGuard = <T>(call: () => Awaitable<T>, check: (answer: T) => T) => Awaitable<T>

/**
 * Creates a guard that throws StorageUnavailableError in three cases: the call throws, `check` rejects the answer, or
 * no answer comes within `timeout` milliseconds. The guard ignores an answer that comes later.
 * It throws InTransactionError unchanged, because that error is a mistake of the caller, and a retry would not help.
 */
export function createFaultGuard (timeout: number): FaultGuard {
  // A timer per call costs 0.1 to 0.4 µs more than one timer for all calls. This is under 1 % of a token check over pg.
  function inTime<T> (answer: PromiseLike<T>, check: (answer: T) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new StorageUnavailableError(lateError(timeout))), timeout).unref()
      Promise.resolve(answer).then(check).then((checked) => {
        clearTimeout(timer)
        resolve(checked)
      }, (fault) => {
        clearTimeout(timer)
        reject(toError(fault))
      })
    })
  }

  return (call, check) => {
    try {
      const answer = call()
      return isThenable(answer) ? inTime(answer, check) : check(answer)
    } catch (fault) {
      throw toError(fault)
    }
  }
}

/** Returns the open `storage` with each method guarded as `createFaultGuard` describes. */
export function withFaultGuard (storage: StorageAdapter, timeout: number): OpenStorage {
  const guard = createFaultGuard(timeout)
  return {
    close: async () => guard(() => storage.close(), checkAnswer.close),
    createUser: async (user) => guard(() => storage.createUser(user), checkAnswer.createUser),
    findUser: async (id) => guard(() => storage.findUser(id), checkAnswer.findUser),
    findUserByEmail: async (email) => guard(() => storage.findUserByEmail(email), checkAnswer.findUserByEmail),
    listUsers: async (page) => guard(() => storage.listUsers(page), checkAnswer.listUsers),
    countUsers: async (filter) => guard(() => storage.countUsers(filter), checkAnswer.countUsers),
    updateUser: async (id, changes, revision) =>
      guard(() => storage.updateUser(id, changes, revision), checkAnswer.updateUser),
    deleteUser: async (id, revision) => guard(() => storage.deleteUser(id, revision), checkAnswer.deleteUser),
    createToken: async (token) => guard(() => storage.createToken(token), checkAnswer.createToken),
    findTokenByHash: (hash) => guard(() => storage.findTokenByHash(hash), checkAnswer.findTokenByHash),
    listTokens: async (userId) => guard(() => storage.listTokens(userId), checkAnswer.listTokens),
    rotateToken: async (id, replace) => guard(() => storage.rotateToken(id, (old) => {
      checkToken(old)
      return replace(old)
    }), checkAnswer.rotateToken),
    revokeToken: async (id) => guard(() => storage.revokeToken(id), checkAnswer.revokeToken),
    revokeTokens: async (userId) => guard(() => storage.revokeTokens(userId), checkAnswer.revokeTokens),
    touchTokens: async (ids, lastUsedAt) => guard(() => storage.touchTokens(ids, lastUsedAt), checkAnswer.touchTokens)
  }
}

function lateError (timeout: number): Error {
  return Object.assign(new Error(`No answer within ${timeout} ms`), { code: 'TIMEOUT' })
}

function toError (fault: unknown): Error {
  return fault instanceof InTransactionError ? fault : new StorageUnavailableError(fault)
}

function isThenable<T> (value: Awaitable<T>): value is Promise<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}
