import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type Storage, type StorageAdapter } from '../storage/storage-adapter.js'
import { createDeadlines } from './deadlines.js'

/** The storage once it is open, with everything that its methods throw, and `timeout` milliseconds of silence, turned into StorageUnavailableError. */
export function withStorageFaults (storage: StorageAdapter | Pick<StorageAdapter, 'touchTokens'>, timeout: number): Storage & Pick<StorageAdapter, 'close'> {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const deadlines = createDeadlines(timeout, (late) => new StorageUnavailableError(late))
  const wrapped = storageMethods.map((name) => {
    const call = (...parameters: unknown[]) => {
      try {
        const answer = methods[name]?.(...parameters)
        // Each token that is checked comes this way: one promise at the most, and not one for each of the three things that are done here.
        return isThenable(answer) ? inTime(answer) : present(answer)
      } catch (fault) {
        throw new StorageUnavailableError(fault)
      }
    }
    return [name, call]
  })

  function inTime (answer: PromiseLike<unknown>) {
    return new Promise((resolve, reject) => {
      const deadline = deadlines.add(reject)
      Promise.resolve(answer).then((value) => {
        deadlines.delete(deadline)
        resolve(present(value))
      }, (fault) => {
        deadlines.delete(deadline)
        reject(new StorageUnavailableError(fault))
      })
    })
  }

  return Object.fromEntries(wrapped)
}

/** Many a store says null where there is nothing. */
function present (value: unknown): unknown {
  return value ?? undefined
}

function isThenable (value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
