/**
 * Makes promises reject, with an error whose code is `TIMEOUT`, when they are not settled within so many milliseconds, or a
 * quarter more. One timer serves them all: a timer for each would cost more than many a query.
 */
export function timeLimit (timeout: number): <T>(work: Promise<T> | T) => Promise<T> {
  // In order of their deadlines.
  const waiting = new Set<{ deadline: number, reject: (error: Error) => void }>()
  let timer: NodeJS.Timeout | undefined

  function watch () {
    timer = setTimeout(() => {
      const now = performance.now()
      for (const late of waiting) {
        if (late.deadline > now) break
        waiting.delete(late)
        late.reject(Object.assign(new Error(`No answer within ${timeout} ms`), { code: 'TIMEOUT' }))
      }
      timer = undefined
      if (waiting.size > 0) watch()
    }, timeout / 4).unref()
  }

  return (work) => new Promise((resolve, reject) => {
    const entry = { deadline: performance.now() + timeout, reject }
    waiting.add(entry)
    if (timer === undefined) watch()
    Promise.resolve(work).then((value) => {
      waiting.delete(entry)
      resolve(value)
    }, (error) => {
      waiting.delete(entry)
      reject(error)
    })
  })
}
