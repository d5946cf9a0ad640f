import assert from 'node:assert/strict'
import { storageMethodNames, type StorageAdapter } from '../storage-adapter.js'
import { auditWritesFailing, auditFailing } from './audit-failing.js'
import { auditLists } from './audit-lists.js'
import { auditPruning } from './audit-pruning.js'
import { auditRaces, auditSharing } from './audit-races.js'
import { audit } from './audit.js'
import type { Case, Cases } from './case.js'
import { failing } from './failing.js'
import { faults } from './faults.js'
import { imports, importSharing } from './imports.js'
import { lifecycle } from './lifecycle.js'
import { lists } from './lists.js'
import { races } from './races.js'
import { attempt } from './records.js'
import { sharing, versionSharing } from './sharing.js'
import { text } from './text.js'
import { tokenChanges } from './token-changes.js'
import { tokenLists } from './token-lists.js'
import { tokenRaces } from './token-races.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

const topics: readonly Cases[] = [
  lifecycle, users, lists, tokens, tokenLists, tokenChanges, text, races, tokenRaces, audit, auditLists, auditPruning,
  auditRaces, imports, faults
]

export interface TestStorageOptions<S extends StorageAdapter = StorageAdapter> {
  /**
   * Returns another storage with the data of an open storage, as another process of the app would create it. With this
   * option, the suite makes concurrent calls of both storages. It also checks that another process and a restart find
   * the records.
   * @default none: the suite has no test with several processes or a restart
   */
  share?: ((storage: S) => StorageAdapter | Promise<StorageAdapter>) | undefined

  /**
   * Makes the store of an open storage fail from now on, for example by ending its connection. Each method that writes
   * must then throw. The best test is a store that rejects writes but still answers reads, as with a full disk. In such
   * a store, a method that reads before it writes reaches its write. The stores of other tests must keep working.
   * @default none: the suite has no test with a store that fails while it is open
   */
  fail?: ((storage: S) => void | Promise<void>) | undefined

  /**
   * Makes each write of an audit entry fail from now on, while the store still accepts all other writes. A method that
   * cannot write its entry must undo its change. The stores of other tests must keep working.
   * @default none: the suite has no test of a fault between a change and its entry
   */
  failAudit?: ((storage: S) => void | Promise<void>) | undefined
}

/**
 * Declares the tests that every StorageAdapter must pass. Without `options`, the suite does not test several processes,
 * restarts or stores that fail. It always tests that a write after `close` either throws or is made. The cases about
 * the audit trail test nothing if the storage has neither `listAudit` nor `pruneAudit`. The cases about imports test
 * nothing if the storage has none of `importUsers`, `importTokens` and `listHashedTokens`. The case about the data
 * version tests nothing if the storage has no `dataVersion`.
 *
 * @param test The `test` function of a test runner, such as node:test, tap, Vitest or Jest. The second argument of this
 * function is an async function. Its promise rejects with an AssertionError if the storage fails the test.
 * @param createStorage Returns a new, empty storage that is not open. The suite calls this function at least once per
 * test, and closes each storage after the test. The suite does not delete the data.
 *
 * @example
 * import { test } from 'node:test'
 * import { testStorage } from 'fastify-vexa-admin/conformance'
 *
 * testStorage(test, () => new MyStorage())
 */
export function testStorage<S extends StorageAdapter> (
  test: (name: string, run: () => Promise<void>) => unknown,
  createStorage: () => S | Promise<S>,
  options: TestStorageOptions<S> = {}
): void {
  const all = [
    ...topics,
    ...(options.share ? [sharing, versionSharing, auditSharing, importSharing] : []),
    ...(options.fail ? [failing, auditFailing] : []),
    ...(options.failAudit ? [auditWritesFailing] : [])
  ]
  for (const cases of all) {
    for (const [name, run] of Object.entries(cases)) test(name, () => runCase(run, createStorage, options))
  }
}

async function runCase<S extends StorageAdapter> (
  run: Case,
  createStorage: () => S | Promise<S>,
  options: TestStorageOptions<S>
): Promise<void> {
  const created: StorageAdapter[] = []
  const failed = new Set<StorageAdapter>()
  const keep = (storage: StorageAdapter) => {
    created.push(storage)
    return storage
  }
  const create = async () => keep(await createStorage())
  // The cast is safe: each storage that a case passes comes from `createStorage` and is an S.
  const share = async (storage: StorageAdapter) => {
    const other = await options.share?.(storage as S)
    assert.ok(other, '`share` did not return a storage')
    await keep(other).open()
    return other
  }
  const fail = async (storage: StorageAdapter) => {
    failed.add(storage)
    await options.fail?.(storage as S)
  }
  const failAudit = async (storage: StorageAdapter) => options.failAudit?.(storage as S)
  try {
    const storage = await create()
    for (const method of storageMethodNames) {
      assert.equal(typeof storage[method], 'function', `The storage has no method ${method}`)
    }
    await storage.open()
    assert.equal(
      await storage.countUsers(),
      0,
      'createStorage returned a storage that has users: return a new, empty storage from each call'
    )
    await run({ storage, create, share, fail, failAudit })
  } finally {
    for (const storage of created) {
      await attempt(() => storage.close()).catch((error) => {
        // If the case made the store of this storage fail, `close` may throw.
        if (!failed.has(storage)) throw error
      })
    }
  }
}
