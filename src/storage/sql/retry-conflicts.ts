import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable } from '../storage-adapter.js'
import type { DialectTraits } from './dialects/dialect-traits.js'

const maxPause = 320

/**
 * Runs a write, up to `attempts` times, while the database undoes the write because of another transaction.
 *
 * @param write gets the error that undid the previous attempt. The first attempt gets the argument `conflict`
 * @param pause the longest pause before the next attempt, in milliseconds
 */
export async function retryConflicts<T> (
  traits: DialectTraits, write: (conflict?: unknown) => Awaitable<T>, attempts = 10, conflict?: unknown, pause = 20
): Promise<T> {
  try {
    return await write(conflict)
  } catch (error) {
    if (attempts === 1 || !traits.isRetryable(error)) throw error
    conflict = error
  }
  // A random pause keeps the writers from colliding again. The pauses grow, because a busy node of Galera can undo the
  // writes of another node ten times in 0.1 s.
  await sleep(Math.random() * pause)
  return retryConflicts(traits, write, attempts - 1, conflict, Math.min(pause * 2, maxPause))
}
