import type { Cli } from './cli.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/** Returns a signal that is aborted at the first SIGINT or SIGTERM. A second one ends the process at once. */
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
