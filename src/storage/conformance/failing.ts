import type { Cases } from './case.js'
import { assertFoundOrThrown, prepareReads } from './reads.js'
import { assertThrown, prepareWrites } from './writes.js'

/** Only where it is known how to make the store of a storage fail. */
export const failing: Cases = {
  'failing: each write throws while the store fails': async ({ storage, fail }) => {
    const writes = await prepareWrites(storage)
    await fail(storage)
    await assertThrown(writes)
  },

  'failing: each read throws, or finds the record, while the store fails': async ({ storage, fail }) => {
    const reads = await prepareReads(storage)
    await fail(storage)
    await assertFoundOrThrown(reads, 'while the store fails')
  }
}
