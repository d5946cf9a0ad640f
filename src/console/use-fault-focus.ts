import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ApiError } from './api-error.js'

/** Returns a ref for a form. After each error, the first control that it is about gets the focus. */
export function useFaultFocus (error: ApiError | undefined): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [error])
  return form
}
