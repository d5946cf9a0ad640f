import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { toApiError, type ApiError } from './api-error.js'

/** Returns the seconds until the next attempt after an error, and 0 without one. Calls `onEnd` at the end. */
export function useCountdown (error: ApiError | undefined, onEnd?: () => void): number {
  const [left, setLeft] = useState(0)
  useLayoutEffect(() => {
    let seconds = error?.retryAfter ?? 0
    setLeft(seconds)
    if (seconds === 0) return
    const timer = setInterval(() => {
      setLeft(--seconds)
      if (seconds > 0) return
      clearInterval(timer)
      onEnd?.()
    }, 1000)
    return () => clearInterval(timer)
  }, [error])
  return left
}

export interface Action {
  run: () => Promise<void>
  isBusy: boolean
  /** The error of the last run. */
  error: ApiError | undefined
  /** Seconds until the next run may succeed. */
  wait: number
}

/** Runs an action that a person starts, one at a time, and keeps its error. */
export function useAction (action: () => Promise<void>): Action {
  const [state, setState] = useState<{ isBusy: boolean, error?: ApiError }>({ isBusy: false })
  const isBusy = useRef(false)
  const wait = useCountdown(state.error)
  async function run (): Promise<void> {
    if (isBusy.current || wait > 0) return
    isBusy.current = true
    setState({ isBusy: true })
    await action().then(
      () => setState({ isBusy: false }),
      (error) => setState({ isBusy: false, error: toApiError(error) })
    )
    isBusy.current = false
  }
  // After 401, the page asks to sign in. After that, the error is no longer true.
  return { run, isBusy: state.isBusy, error: state.error?.status === 401 ? undefined : state.error, wait }
}
