import type { StorageAdapter } from '../storage/storage-adapter.js'
import type { Cases } from './case.js'
import { faults } from './faults.js'
import { lifecycle } from './lifecycle.js'
import { races } from './races.js'
import { text } from './text.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

const topics: Record<string, Cases> = { lifecycle, users, tokens, text, races, faults }

/**
 * Tests whether a storage keeps the promises of StorageAdapter: what passes works as `storage` of the plugin.
 *
 * @param test a test runner's function for one test: that of node:test, tap, Vitest, Jest and others. What it
 * is given rejects, with an AssertionError, if the storage fails.
 * @param createStorage makes a storage that is not open yet, and has nothing in it. Called once for each test or
 * more often; each is closed after the test.
 *
 * @example
 * import { test } from 'node:test'
 * import { testStorage } from 'fastify-vexa-admin/conformance'
 *
 * testStorage(test, () => new MyStorage())
 */
export function testStorage (
  test: (name: string, run: () => Promise<void>) => unknown,
  createStorage: () => StorageAdapter | Promise<StorageAdapter>
): void {
  for (const [topic, cases] of Object.entries(topics)) {
    for (const [name, run] of Object.entries(cases)) {
      test(`${topic}: ${name}`, async () => {
        const created: StorageAdapter[] = []
        const create = async () => {
          const storage = await createStorage()
          created.push(storage)
          return storage
        }
        try {
          const storage = await create()
          await storage.open()
          await run({ storage, create })
        } finally {
          for (const storage of created) await storage.close()
        }
      })
    }
  }
}
