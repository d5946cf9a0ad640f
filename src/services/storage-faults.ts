import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type Storage, type StorageAdapter } from '../storage/storage-adapter.js'
import { createDeadlines } from './deadlines.js'

/** The storage once it is open, with everything that its methods throw, and `timeout` milliseconds of silence, turned into StorageUnavailableError. */
export function withStorageFaults (storage: StorageAdapter, timeout: number): Storage & Pick<StorageAdapter, 'close'> {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const deadlines = createDeadlines(timeout, (late) => new StorageUnavailableError(late))
  const wrapped = storageMethods.map((name) => {
    // Each token that is checked comes this way: one promise, and not one for each of the three things that are done here.
    const call = (...parameters: unknown[]) => new Promise((resolve, reject) => {
      const deadline = deadlines.add(reject)
      const fail = (fault: unknown) => {
        deadlines.delete(deadline)
        reject(new StorageUnavailableError(fault))
      }
      try {
        // Some answer without a promise.
        Promise.resolve(methods[name]?.(...parameters)).then((answer) => {
          deadlines.delete(deadline)
          // Many a store says null where there is nothing.
          resolve(answer ?? undefined)
        }, fail)
      } catch (fault) {
        fail(fault)
      }
    })
    return [name, call]
  })
  return Object.fromEntries(wrapped)
}
