import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable } from '../storage-adapter.js'
import type { DialectTraits } from './dialects/dialect-traits.js'

/** Runs a write, and repeats it if the database undoes it because of another transaction, up to `attempts` runs. */
export async function retryConflicts<T> (
  traits: DialectTraits, write: () => Awaitable<T>, attempts = 10
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (attempts === 1 || !traits.isRetryable(error)) throw error
  }
  // A random pause keeps the writers from colliding again.
  await sleep(Math.random() * 20)
  return retryConflicts(traits, write, attempts - 1)
}
