import assert from 'node:assert/strict'
import { storageMethods, type StorageAdapter } from '../storage/storage-adapter.js'
import type { Case, Cases } from './case.js'
import { faults } from './faults.js'
import { lifecycle } from './lifecycle.js'
import { races } from './races.js'
import { sharing } from './sharing.js'
import { text } from './text.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

const topics: Record<string, Cases> = { lifecycle, users, tokens, text, races, faults }

export interface TestStorageOptions<S extends StorageAdapter = StorageAdapter> {
  /**
   * Makes another storage over the data of one that is open, as another process of the app would. With it, the
   * races are run over both, and what was kept is looked for by another process, and after a restart.
   * @default no test of several processes, or of a restart
   */
  share?: ((storage: S) => StorageAdapter | Promise<StorageAdapter>) | undefined
}

/**
 * Tests whether a storage keeps the promises of StorageAdapter: what passes works as `storage` of the plugin.
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
  { share }: TestStorageOptions<S> = {}
): void {
  for (const [topic, cases] of Object.entries(share === undefined ? topics : { ...topics, sharing })) {
    for (const [name, run] of Object.entries(cases)) test(`${topic}: ${name}`, () => runCase(run, createStorage, share))
  }
}

async function runCase<S extends StorageAdapter> (run: Case, createStorage: () => S | Promise<S>, shareData: TestStorageOptions<S>['share']): Promise<void> {
  const created: StorageAdapter[] = []
  const keep = (storage: StorageAdapter) => {
    created.push(storage)
    return storage
  }
  const create = async () => keep(await createStorage())
  const share = async (storage: StorageAdapter) => {
    // What the cases have, they have from `createStorage`.
    const other = await shareData?.(storage as S)
    assert.ok(other, '`share` makes no storage')
    await keep(other).open()
    return other
  }
  try {
    const storage = await create()
    for (const method of storageMethods) assert.equal(typeof storage[method], 'function', `The storage has no method ${method}`)
    await storage.open()
    assert.equal(await storage.countUsers(), 0, 'createStorage made a storage with users in it; each call has to make one that has nothing in common with the others')
    await run({ storage, create, share })
  } finally {
    for (const storage of created) await storage.close()
  }
}
