import assert from 'node:assert/strict'
import { storageMethodNames, type StorageAdapter } from '../storage-adapter.js'
import type { Case, Cases } from './case.js'
import { failing } from './failing.js'
import { faults } from './faults.js'
import { lifecycle } from './lifecycle.js'
import { races } from './races.js'
import { attempt } from './records.js'
import { sharing } from './sharing.js'
import { text } from './text.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

const topics: readonly Cases[] = [lifecycle, users, tokens, text, races, faults]

export interface TestStorageOptions<S extends StorageAdapter = StorageAdapter> {
  /**
   * Makes another storage over the data of one that is open, as another process of the app would. With it, the
   * races are run over both, and what was kept is looked for by another process, and after a restart.
   * @default no test of several processes, or of a restart
   */
  share?: ((storage: S) => StorageAdapter | Promise<StorageAdapter>) | undefined

  /**
   * Makes the store of a storage that is open fail from now on: ends its connection, say. Each method that writes then
   * has to throw. Best is a store that refuses writes and still answers reads, as one whose disk is full does: a method
   * that reads before it writes gets as far as its write. Storages of other tests must not notice.
   * @default no test of a store that fails while it is open
   */
  fail?: ((storage: S) => void | Promise<void>) | undefined
}

/**
 * Tests whether a storage keeps the promises of StorageAdapter. Without the options, the promises about several processes,
 * restarts and a store that fails are not tested, but for this: a write after `close` throws, or it is done.
 *
 * @param test a test runner's function for one test: that of node:test, tap, Vitest, Jest and others. What it
 * is given rejects, with an AssertionError, if the storage fails.
 * @param createStorage makes a storage that is not open yet, and has nothing in it. Called once for each test or
 * more often; each is closed after the test. What the tests leave in it is not deleted.
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
  const all = [...topics, ...(options.share ? [sharing] : []), ...(options.fail ? [failing] : [])]
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
  // What the cases have, they have from `createStorage`.
  const share = async (storage: StorageAdapter) => {
    const other = await options.share?.(storage as S)
    assert.ok(other, '`share` makes no storage')
    await keep(other).open()
    return other
  }
  const fail = async (storage: StorageAdapter) => {
    failed.add(storage)
    await options.fail?.(storage as S)
  }
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
    await run({ storage, create, share, fail })
  } finally {
    for (const storage of created) {
      await attempt(() => storage.close()).catch((error) => {
        // Without its store it need not even close.
        if (!failed.has(storage)) throw error
      })
    }
  }
}
