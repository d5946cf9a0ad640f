import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import type { StorageAdapter } from '../storage-adapter.js'
import { createFaultGuard } from './fault-guard.js'
import { checkAnswer } from './record-checks.js'

const flushInterval = 5_000
const batchSize = 500

/** Notes when tokens are used, and writes their `last_used_at` later. */
export interface LastUsed {
  /**
   * Notes the minute in which a token is used, unless this minute is already noted or written. Does not call the
   * storage.
   */
  note (key: string, lastUsedAt: string | null, now: number): void
  /**
   * Writes each `last_used_at` that is not yet in the storage, and stops. Waits for each call of the storage, but not
   * longer than its timeout.
   */
  close (): Promise<void>
}

/**
 * Returns a LastUsed that keeps `last_used_at` accurate to the minute, without a write for each request. It notes one
 * minute per token, and writes the noted minutes every five seconds. If a write fails, it calls `onFault`, and tries to
 * write the same minutes again five seconds later.
 *
 * It calls the storage again only after the storage has answered the call before. If there is no answer within
 * `timeout` milliseconds, it calls `onFault`, and `close` does not wait for the answer.
 */
export function createLastUsed (
  storage: Pick<StorageAdapter, 'touchTokens'>, timeout: number, onFault: (fault: unknown) => void
): LastUsed {
  const noted = new Map<string, string>()
  // Keys of tokens for which the current minute is already written. The set is necessary because a record from the
  // cache may still have the old `last_used_at`.
  const written = new Set<string>()
  // The current minute and its text. The text is kept, because formatting it takes longer than the rest of `note`.
  let last = { begin: NaN, text: '' }
  let timer: NodeJS.Timeout | undefined
  // A timer keeps the async context in which it was created. With this snapshot, the timer does not keep the context of
  // the first request.
  const inOwnContext = AsyncLocalStorage.snapshot()
  let writing: Promise<void> | undefined
  // Stays true after the timeout, because an unanswered call may hold a connection until the storage answers.
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
          // If a later minute was noted during the write, the later minute stays.
          if (noted.get(key) === minute) noted.delete(key)
          if (minute === last.text) written.add(key)
        }
        // This lets other requests run between two batches.
        await setImmediate()
      }
    }
  }

  /** Writes the noted minutes. Does not start a write while another write is under way or has no answer. */
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
