interface Deadline {
  at: number
  miss: (error: Error) => void
}

/**
 * Deadlines, each so many milliseconds (or a quarter more) after it was added; who misses one is told so by an error whose code is
 * `TIMEOUT`. One timer serves them all: a timer for each would cost more than many a query.
 */
export function createDeadlines (timeout: number) {
  // In order of time.
  const waiting = new Set<Deadline>()
  let timer: NodeJS.Timeout | undefined

  function watch () {
    timer = setTimeout(() => {
      const now = performance.now()
      for (const deadline of waiting) {
        if (deadline.at > now) break
        waiting.delete(deadline)
        deadline.miss(Object.assign(new Error(`No answer within ${timeout} ms`), { code: 'TIMEOUT' }))
      }
      timer = undefined
      if (waiting.size > 0) watch()
    }, timeout / 4).unref()
  }

  return {
    add (miss: Deadline['miss']): Deadline {
      const deadline = { at: performance.now() + timeout, miss }
      waiting.add(deadline)
      if (timer === undefined) watch()
      return deadline
    },

    delete (deadline: Deadline): void {
      waiting.delete(deadline)
    }
  }
}
