import { setTimeout as sleep } from 'node:timers/promises'
import type { DialectTraits } from './dialects/dialect-traits.js'

/** Runs a write again, up to ten times in all, when the database has undone it for the sake of another transaction. */
export async function retryConflicts<T> (traits: DialectTraits, write: () => T | Promise<T>, attempts = 10): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (attempts === 1 || !traits.isRetryable(error)) throw error
  }
  // Not all at once.
  await sleep(Math.random() * 20)
  return retryConflicts(traits, write, attempts - 1)
}
