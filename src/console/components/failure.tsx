import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { toApiError, type ApiError } from '../api-error.js'
import { focusHeading } from '../focus.js'
import { useCountdown } from '../use-action.js'

interface FailureProps {
  error: ApiError
  /** Whether the request was to change something. It is never repeated without a person. */
  isWrite?: boolean
  /** Loads again. Called by itself after the countdown if another attempt may succeed. */
  retry?: () => void
}

/** Describes a failed request, and counts the seconds to the next attempt. */
export function Failure ({ error, isWrite = false, retry }: FailureProps) {
  const wait = useCountdown(error, retry)
  const button = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => () => {
    // An attempt that succeeds removes the button that has started it.
    if (button.current !== null && button.current === document.activeElement) setTimeout(focusHeading)
  }, [])
  useEffect(() => {
    if (retry === undefined) return
    addEventListener('online', retry)
    return () => removeEventListener('online', retry)
  }, [error])
  return (
    <div class='failure' role='alert'>
      <div>
        <strong>{titleOf(error)}</strong>
        <p>{adviceOn(error, isWrite)}</p>
      </div>
      {retry !== undefined && (
        <div class='buttons'>
          {wait > 0 && <span class='muted' aria-hidden='true'>Next attempt in {wait} s</span>}
          <button ref={button} type='button' onClick={retry}>Try now</button>
        </div>
      )}
    </div>
  )
}

/** Returns the words for a change that failed. */
export function failureText (thrown: unknown): string {
  const error = toApiError(thrown)
  return `${titleOf(error)}. ${adviceOn(error, true)}`
}

function titleOf ({ status }: ApiError): string {
  if (status === 0) return navigator.onLine ? 'The server cannot be reached' : 'You are offline'
  if (status === 503) return 'The storage cannot answer now'
  if (status === 412) return 'Somebody else has changed this user meanwhile'
  return status === 403 ? 'You may not do this' : 'This did not work'
}

function adviceOn ({ status, message }: ApiError, isWrite: boolean): string {
  if (status === 412) return 'Nothing is done yet. Look at the user, then try again.'
  const isUnclear = status === 0 || status === 503
  if (isWrite && isUnclear) return 'The change may have been made. Look before you try again.'
  return isUnclear ? 'The page tries again by itself.' : message
}
