import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import type { StorageAdapter } from '../storage-adapter.js'
import { createFaultGuard } from './faults.js'
import { checkAnswer } from './record-checks.js'

const flushInterval = 5_000
const batchSize = 500

export interface LastUsed {
  /** Notes that a token was used, unless that is known for this minute. Costs no storage call. */
  note (key: string, lastUsedAt: string | null, now: number): void
  /** Writes what is noted, and stops. Does not wait for a call that the storage is late to answer. */
  close (): Promise<void>
}

/**
 * Keeps `last_used_at` to the minute without a write per request: uses are gathered, one for each token, and written
 * together a few seconds later. What cannot be written is left for the next time, and `onFault` is told why.
 *
 * Never makes a second call while the storage has not answered the first. After `timeout` milliseconds without an answer,
 * `onFault` is told and `close` no longer waits.
 */
export function createLastUsed (storage: Pick<StorageAdapter, 'touchTokens'>, timeout: number, onFault: (fault: unknown) => void): LastUsed {
  const noted = new Map<string, string>()
  // In the minute that was noted last. Who checks a token need not have seen it written: a cache has not.
  const written = new Set<string>()
  // To write a time out takes longer than the rest of noting it.
  let last = { begin: NaN, text: '' }
  let timer: NodeJS.Timeout | undefined
  // A timer keeps the async context that it is made in: that of the first request would be kept for ever.
  const inOwnContext = AsyncLocalStorage.snapshot()
  let writing: Promise<void> | undefined
  // Not over when the storage is late: it may hold a connection until it answers.
  let unanswered = false
  const guard = createFaultGuard(timeout)

  async function touch (keys: readonly string[], minute: string): Promise<void> {
    unanswered = true
    try {
      await storage.touchTokens(keys, minute)
    } finally {
      unanswered = false
    }
  }

  async function write (): Promise<void> {
    for (const minute of new Set(noted.values())) {
      const keys = [...noted.keys()].filter((key) => noted.get(key) === minute)
      while (keys.length > 0) {
        const batch = keys.splice(0, batchSize)
        await guard(() => touch(batch, minute), checkAnswer.touchTokens)
        for (const key of batch) {
          // A use noted meanwhile, in a later minute, stays.
          if (noted.get(key) === minute) noted.delete(key)
          if (minute === last.text) written.add(key)
        }
        // Requests come between two batches.
        await setImmediate()
      }
    }
  }

  /** Writes, unless that is being done or the storage has yet to answer. */
  function flush (): Promise<void> | undefined {
    if (!unanswered) writing ??= write().catch(onFault).finally(() => { writing = undefined })
    return writing
  }

  function minuteOf (now: number): string {
    const begin = now - now % 60_000
    if (begin !== last.begin) {
      last = { begin, text: new Date(begin).toISOString() }
      written.clear()
    }
    return last.text
  }

  return {
    note (key, lastUsedAt, now) {
      const minute = minuteOf(now)
      if ((lastUsedAt !== null && lastUsedAt >= minute) || noted.get(key) === minute || written.has(key)) return
      noted.set(key, minute)
      timer ??= inOwnContext(setInterval, flush, flushInterval).unref()
    },

    async close () {
      clearInterval(timer)
      await writing
      await flush()
    }
  }
}
