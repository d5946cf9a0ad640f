import type { StorageAdapter } from '../storage-adapter.js'

export interface CaseContext {
  /** An open storage, empty. */
  storage: StorageAdapter
  /** Makes another storage, empty, not open. It is closed after the case. */
  create: () => Promise<StorageAdapter>
  /** Makes and opens another storage over the data of one, as another process would. It is closed after the case. Only for cases about that. */
  share: (storage: StorageAdapter) => Promise<StorageAdapter>
  /** Makes the store of one fail from now on. Only for cases about that. */
  fail: (storage: StorageAdapter) => Promise<void>
}

/** Throws unless the storage does what the name of the case says. */
export type Case = (context: CaseContext) => Promise<void>

/** Cases of one topic by their names. */
export type Cases = Readonly<Record<string, Case>>
