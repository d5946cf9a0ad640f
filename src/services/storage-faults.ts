import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type Storage, type StorageAdapter } from '../storage/storage-adapter.js'
import { createDeadlines } from './deadlines.js'

/** The storage once it is open, with everything that its methods throw, and `timeout` milliseconds of silence, turned into StorageUnavailableError. */
export function withStorageFaults (storage: StorageAdapter, timeout: number): Storage & Pick<StorageAdapter, 'close'> {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const deadlines = createDeadlines(timeout)
  const wrapped = storageMethods.map((name) => {
    // Each token that is checked comes this way: one promise, and not one for each of the three things that are done here.
    const call = (...parameters: unknown[]) => new Promise((resolve, reject) => {
      const fail = (fault: unknown) => reject(new StorageUnavailableError(fault))
      const deadline = deadlines.add(fail)
      const settle = () => deadlines.delete(deadline)
      try {
        // Many a store says null where there is nothing, and some answer without a promise.
        Promise.resolve(methods[name]?.(...parameters)).then((answer) => { settle(); resolve(answer ?? undefined) }, (fault) => { settle(); fail(fault) })
      } catch (fault) {
        settle()
        fail(fault)
      }
    })
    return [name, call]
  })
  return Object.fromEntries(wrapped)
}
