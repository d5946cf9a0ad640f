import { AsyncLocalStorage } from 'node:async_hooks'

/** One of a list that is linked both ways: each call takes one out of the middle, for which a Set would have to look it up. */
interface Deadline {
  at: number
  miss: (error: Error) => void
  previous: Deadline
  next: Deadline
}

/**
 * Deadlines, each so many milliseconds (or a quarter more) after it was added. Who misses one is told so, by what `toError` makes of an
 * error whose code is `TIMEOUT`. One timer serves them all: a timer for each would cost more than many a query.
 */
export function createDeadlines (timeout: number, toError: (late: Error) => Error) {
  // The end and the beginning of the list, which is in order of time.
  const end = { at: Infinity } as Deadline
  end.previous = end.next = end
  let timer: NodeJS.Timeout | undefined
  // A timer keeps the async context that it is made in: that of whichever request came first would be everybody's.
  const inOwnContext = AsyncLocalStorage.snapshot()

  function watch () {
    timer = inOwnContext(setTimeout, () => {
      const now = performance.now()
      for (let deadline = end.next; deadline.at <= now; deadline = end.next) {
        remove(deadline)
        deadline.miss(toError(Object.assign(new Error(`No answer within ${timeout} ms`), { code: 'TIMEOUT' })))
      }
      timer = undefined
      if (end.next !== end) watch()
    }, timeout / 4).unref()
  }

  return {
    add (miss: Deadline['miss']): Deadline {
      const deadline = { at: performance.now() + timeout, miss, previous: end.previous, next: end }
      end.previous = end.previous.next = deadline
      if (timer === undefined) watch()
      return deadline
    },

    /** Also of one that is missed, or deleted already. */
    delete: remove
  }
}

function remove (deadline: Deadline): void {
  deadline.previous.next = deadline.next
  deadline.next.previous = deadline.previous
  deadline.previous = deadline.next = deadline
}
