import { InTransactionError, StorageUnavailableError } from '../../errors.js'
import { storageMethodNames, type Storage, type StorageAdapter, type TokenRecord } from '../storage-adapter.js'
import { createDeadlines } from './deadlines.js'
import { checkAnswer, checkToken } from './record-checks.js'

/**
 * The storage once it is open, with everything that its methods throw, records of another form, and `timeout` milliseconds of silence, turned
 * into StorageUnavailableError. InTransactionError stays as it is, because no retry mends a mistake of the caller.
 */
export function withFaults (storage: StorageAdapter | Pick<StorageAdapter, 'touchTokens'>, timeout: number): Storage & Pick<StorageAdapter, 'close'> {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const deadlines = createDeadlines(timeout, (late) => new StorageUnavailableError(late))
  const wrapped = storageMethodNames.map((name) => {
    const checked = checkAnswer[name]
    const call = (...parameters: unknown[]) => {
      try {
        const answer = methods[name]?.(...parameters)
        // Each token that is checked comes this way: one promise at the most, and not one for each of the three things that are done here.
        return isThenable(answer) ? inTime(answer, checked) : checked(answer)
      } catch (fault) {
        throw toError(fault)
      }
    }
    return [name, call]
  })

  function inTime (answer: PromiseLike<unknown>, checked: (answer: unknown) => unknown) {
    return new Promise((resolve, reject) => {
      const deadline = deadlines.add(reject)
      Promise.resolve(answer).then((value) => {
        deadlines.delete(deadline)
        try {
          resolve(checked(value))
        } catch (fault) {
          reject(new StorageUnavailableError(fault))
        }
      }, (fault) => {
        deadlines.delete(deadline)
        reject(toError(fault))
      })
    })
  }

  const faultless: Storage & Pick<StorageAdapter, 'close'> = Object.fromEntries(wrapped)
  return {
    ...faultless,
    rotateToken: (id, replace) => faultless.rotateToken(id, (old: TokenRecord) => {
      checkToken(old)
      return replace(old)
    })
  }
}

function toError (fault: unknown): Error {
  return fault instanceof InTransactionError ? fault : new StorageUnavailableError(fault)
}

function isThenable (value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
