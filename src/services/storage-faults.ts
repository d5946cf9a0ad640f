import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type StorageAdapter } from '../storage/storage-adapter.js'

/** The storage, with everything that its methods throw turned into StorageUnavailableError. */
export function withStorageFaults (storage: StorageAdapter): StorageAdapter {
  const wrapped = storageMethods.map((method) => {
    const call = async (...parameters: unknown[]) => {
      try {
        return await (storage[method] as (...parameters: unknown[]) => Promise<unknown>)(...parameters)
      } catch (fault) {
        throw new StorageUnavailableError(fault)
      }
    }
    return [method, call]
  })
  return Object.fromEntries(wrapped)
}
