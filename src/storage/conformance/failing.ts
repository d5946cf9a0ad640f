import type { Cases } from './case.js'
import { assertFoundOrThrown, prepareReads } from './reads.js'
import { assertThrown, prepareWrites } from './writes.js'

/** Cases that run only if the option `fail` is given. */
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
