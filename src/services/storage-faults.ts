import { StorageUnavailableError } from '../errors.js'
import { storageMethods, type Storage } from '../storage/storage-adapter.js'

/** The storage, with everything that its methods throw turned into StorageUnavailableError. */
export function withStorageFaults (storage: Storage): Storage {
  const methods = storage as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>
  const wrapped = storageMethods.map((name) => {
    const call = async (...parameters: unknown[]) => {
      try {
        // Many a store says null where there is nothing.
        return await methods[name]?.(...parameters) ?? undefined
      } catch (fault) {
        throw new StorageUnavailableError(fault)
      }
    }
    return [name, call]
  })
  return Object.fromEntries(wrapped)
}
