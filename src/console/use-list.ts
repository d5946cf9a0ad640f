import { useEffect, useRef, useState } from 'preact/hooks'
import { toApiError, type ApiError } from './api-error.js'
import { useConsole } from './context.js'
import { PageList, pageSize } from './page-list.js'

export interface Loading<Value> {
  /** The value of the last request that succeeded. */
  value: Value | undefined
  error: ApiError | undefined
  /** Loads again. */
  retry: () => void
  /** Keeps a newer value. */
  keep: (value: Value) => void
}

/** Loads a value, and loads it again when `key` changes. Cancels the request before. */
export function useLoaded<Value> (key: string, load: (signal: AbortSignal) => Promise<Value>): Loading<Value> {
  const { epoch } = useConsole()
  const [state, setState] = useState<{ key: string, value?: Value, error?: ApiError }>({ key })
  const [attempt, setAttempt] = useState(0)
  const request = useRef<AbortController>(undefined)
  useEffect(() => {
    const controller = request.current = new AbortController()
    load(controller.signal).then(
      (value) => { if (!controller.signal.aborted) setState({ key, value }) },
      (error) => {
        if (controller.signal.aborted) return
        // The value stays, because a form may hold changes of it.
        setState((state) => ({ ...state.key === key && state, key, error: toApiError(error) }))
      }
    )
    return () => controller.abort()
  }, [key, attempt, epoch])
  return {
    value: state.key === key ? state.value : undefined,
    error: state.error,
    retry: () => setAttempt((n) => n + 1),
    keep (value) {
      request.current?.abort()
      setState({ key, value })
    }
  }
}

/** Returns an endless list of the API. While a new query loads, returns the list before, which is then not current. */
export function useList<Row extends { id: string }> (
  path: string, query: Record<string, string>
): { list: PageList<Row>, isCurrent: boolean } {
  const { api, memory, epoch } = useConsole()
  const [, setRenders] = useState(0)
  const shown = useRef<PageList<Row>>(undefined)
  const wanted = `?${new URLSearchParams({ limit: `${pageSize}`, ...query })}`
  const kept = memory.get(path) as { wanted: string, list: PageList<Row> } | undefined
  const current = kept?.wanted === wanted
    ? kept.list
    : new PageList<Row>(wanted, async (pageQuery, signal) => {
      const { body, next } = await api<Row[]>('GET', path, { query: pageQuery, signal })
      return { rows: body, next }
    })
  memory.set(path, { wanted, list: current })

  useEffect(() => {
    current.onChange = () => setRenders((n) => n + 1)
    current.reload()
    return () => {
      current.onChange = () => {}
      current.stop()
    }
  }, [current, epoch])

  if (current.isLoaded || current.error !== undefined) shown.current = current
  shown.current ??= current
  return { list: shown.current, isCurrent: shown.current === current }
}
