import type { Cases } from './case.js'
import { assertFoundOrThrown, prepareReads } from './reads.js'
import { assertThrown, prepareWrites } from './writes.js'

/** Only where it is known how to make the store of a storage fail. */
export const failing: Cases = {
  'while its store fails, every write throws': async ({ storage, fail }) => {
    const writes = await prepareWrites(storage)
    await fail(storage)
    await assertThrown(writes)
  },

  'while its store fails, it may throw, but does not take what is there for absent': async ({ storage, fail }) => {
    const reads = await prepareReads(storage)
    await fail(storage)
    await assertFoundOrThrown(reads, 'while the store fails')
  }
}
