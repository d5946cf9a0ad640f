import type { Storage } from '../storage/storage-adapter.js'

const flushInterval = 5_000
const batchSize = 500

export interface TokenUse {
  /** Notes that a token was used, unless that is known for this minute. Costs no storage call. */
  note (key: string, lastUsedAt: string | null, now: Date): void
  /** Writes what is noted, and stops. */
  close (): Promise<void>
}

/**
 * Keeps `last_used_at` to the minute without a write per request: uses are gathered, one for each token, and written
 * together a few seconds later. What cannot be written is left for the next time.
 */
export function createTokenUse (storage: Pick<Storage, 'touchTokens'>): TokenUse {
  const noted = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  async function write (): Promise<void> {
    for (const minute of new Set(noted.values())) {
      const keys = [...noted.keys()].filter((key) => noted.get(key) === minute)
      while (keys.length > 0) {
        const batch = keys.splice(0, batchSize)
        try {
          await storage.touchTokens(batch, minute)
        } catch {
          return
        }
        // A use noted meanwhile, in a later minute, stays.
        for (const key of batch) if (noted.get(key) === minute) noted.delete(key)
      }
    }
  }

  function flush (): Promise<void> {
    writing = writing.then(write)
    return writing
  }

  return {
    note (key, lastUsedAt, now) {
      const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000).toISOString()
      if (lastUsedAt !== null && lastUsedAt >= minute) return
      noted.set(key, minute)
      timer ??= setInterval(flush, flushInterval).unref()
    },

    async close () {
      clearInterval(timer)
      await flush()
    }
  }
}
