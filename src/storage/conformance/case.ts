import assert from 'node:assert/strict'
import {
  auditMethodNames, isAudited, isPortable, isVersioned, portableMethodNames, type AuditedStorageAdapter,
  type PortableStorageAdapter, type StorageAdapter, type VersionedStorageAdapter
} from '../storage-adapter.js'

export interface CaseContext<S extends StorageAdapter = StorageAdapter> {
  /** An open, empty storage. */
  storage: S
  /** Creates another empty storage that is not open. The suite closes this storage after the case. */
  create: () => Promise<StorageAdapter>
  /**
   * Opens another storage with the same data, as another process would. The suite closes this storage after the case.
   * Only the cases that need the option `share` may call this function.
   */
  share: (storage: S) => Promise<S>
  /**
   * Makes the store of a storage fail from now on. Only the cases that need the option `fail` may call this function.
   */
  fail: (storage: S) => Promise<void>
  /**
   * Makes the writes of audit entries fail from now on, and no other writes. Only the cases that need the option
   * `failAudit` may call this function.
   */
  failAudit: (storage: S) => Promise<void>
}

/** Throws unless the storage behaves as the name of the case says. */
export type Case<S extends StorageAdapter = StorageAdapter> = (context: CaseContext<S>) => Promise<void>

/** The cases of one topic. Each key is the name of a case. */
export type Cases<S extends StorageAdapter = StorageAdapter> = Readonly<Record<string, Case<S>>>

/**
 * Returns cases that test nothing if the storage has no audit trail. They fail if the storage has only one of the two
 * methods.
 */
export function ifAudited (cases: Cases<AuditedStorageAdapter>): Cases {
  return ifCapable(cases, isAudited, auditMethodNames, 'methods of the audit trail')
}

/**
 * Returns cases that test nothing if the storage has no method for imports. They fail if the storage has only some of
 * these methods.
 */
export function ifPortable (cases: Cases<PortableStorageAdapter>): Cases {
  return ifCapable(cases, isPortable, portableMethodNames, 'methods of imports and exports')
}

/** Returns cases that test nothing if the storage has no `dataVersion`. */
export function ifVersioned (cases: Cases<VersionedStorageAdapter>): Cases {
  return ifCapable(cases, isVersioned, ['dataVersion'], 'method that exact caches need')
}

function ifCapable<S extends StorageAdapter> (
  cases: Cases<S>, isCapable: (storage: StorageAdapter) => boolean, methods: readonly string[], whose: string
): Cases {
  return Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, async (context: CaseContext) => {
    // The cast is safe, because `share` returns a storage with the same methods as its argument.
    if (isCapable(context.storage)) return run(context as unknown as CaseContext<S>)
    const missing = methods.filter((name) => typeof Reflect.get(context.storage, name) !== 'function')
    assert.deepEqual(missing, methods, `${whose} that the storage lacks: all, or none`)
  }]))
}
