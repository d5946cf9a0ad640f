import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable } from '../storage-adapter.js'
import type { DialectTraits } from './dialects/dialect-traits.js'

/**
 * Runs a write, up to `attempts` times, while the database undoes the write because of another transaction.
 *
 * @param write gets the error that undid the previous attempt. The first attempt gets the argument `conflict`
 */
export async function retryConflicts<T> (
  traits: DialectTraits, write: (conflict?: unknown) => Awaitable<T>, attempts = 10, conflict?: unknown
): Promise<T> {
  try {
    return await write(conflict)
  } catch (error) {
    if (attempts === 1 || !traits.isRetryable(error)) throw error
    conflict = error
  }
  // A random pause keeps the writers from colliding again.
  await sleep(Math.random() * 20)
  return retryConflicts(traits, write, attempts - 1, conflict)
}
