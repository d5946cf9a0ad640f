import type { Cli } from './cli.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Returns an AbortSignal that the first SIGINT or SIGTERM aborts. A second SIGINT or SIGTERM ends the process at once.
 */
export function stopSignal ({ process, defer }: Cli): AbortSignal {
  const controller = new AbortController()
  const release = () => {
    for (const signal of signals) process.removeListener(signal, stop)
  }
  const stop = () => {
    release()
    controller.abort()
  }
  for (const signal of signals) process.once(signal, stop)
  defer(release)
  return controller.signal
}
