import type { StorageAdapter } from '../storage-adapter.js'

export interface CaseContext {
  /** An open, empty storage. */
  storage: StorageAdapter
  /** Creates another empty storage, which is not open. The suite closes it after the case. */
  create: () => Promise<StorageAdapter>
  /**
   * Opens another storage over the same data, as another process would. The suite closes it after the case.
   * Available in `sharing` cases only.
   */
  share: (storage: StorageAdapter) => Promise<StorageAdapter>
  /** Makes the store of a storage fail from now on. Available in `failing` cases only. */
  fail: (storage: StorageAdapter) => Promise<void>
}

/** Throws unless the storage behaves as the name of the case says. */
export type Case = (context: CaseContext) => Promise<void>

/** The cases of one topic by name. */
export type Cases = Readonly<Record<string, Case>>
