import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type Storage, type StorageAdapter } from '../storage/storage-adapter.js'
import { timeLimit } from './time-limit.js'

/** The storage once it is open, with everything that its methods throw, and `timeout` milliseconds of silence, turned into StorageUnavailableError. */
export function withStorageFaults (storage: StorageAdapter, timeout: number): Storage & Pick<StorageAdapter, 'close'> {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const limit = timeLimit(timeout)
  const wrapped = storageMethods.map((name) => {
    const call = async (...parameters: unknown[]) => {
      try {
        // Many a store says null where there is nothing.
        return await limit(methods[name]?.(...parameters)) ?? undefined
      } catch (fault) {
        throw new StorageUnavailableError(fault)
      }
    }
    return [name, call]
  })
  return Object.fromEntries(wrapped)
}
