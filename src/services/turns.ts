import { AsyncLocalStorage } from 'node:async_hooks'
import { StorageUnavailableError } from '../errors.js'
import type { Awaitable } from '../storage/storage-adapter.js'

/**
 * Makes calls with the same key run one after the other. The call that runs is called the holder. The other calls of
 * this key wait in a line.
 */
export interface Turns {
  /**
   * Calls `run` when all earlier calls with this key have ended, and returns its result. If the holder makes a further
   * call with the same key, the further call runs at once. Otherwise the holder would wait for itself.
   *
   * All waiting calls start at once if the holder takes longer than `longestWait` milliseconds, because code of the app
   * may never end. All waiting calls also start at once if the holder throws StorageUnavailableError. Otherwise the
   * waiting calls would run into the timeout of the storage one after the other. A single call starts at once after it
   * has waited for `longestWait` milliseconds. The other calls then keep their order.
   */
  inTurn<T> (key: string, run: () => Promise<T>): Promise<T>
  /** Calls code of the app for the holder, so that `inTurn` recognises the further calls that this code makes. */
  callAsHolder<T> (key: string, call: () => Awaitable<T>): Promise<T>
}

/**
 * A call of the app's code. `over` is true after this call has ended. `outer` is the call during which this call was
 * made.
 */
interface HolderCall { key: string, over: boolean, outer: HolderCall | undefined }

/** Creates turns. `longestWait` is in milliseconds. */
export function createTurns (longestWait: number): Turns {
  // Maps each key that has a holder to the line of its waiting calls. An item of a line is a function that starts one
  // call.
  const lines = new Map<string, Array<() => void>>()
  // The async context of a further call tells during which call of the app's code it was made.
  const calls = new AsyncLocalStorage<HolderCall>()

  /** Returns the innermost call of the app's code that has not ended and that encloses the current call. */
  function enclosingCall (): HolderCall | undefined {
    let call = calls.getStore()
    while (call?.over) call = call.outer
    return call
  }

  function isHeldByCaller (key: string): boolean {
    let call = enclosingCall()
    while (call !== undefined && (call.over || call.key !== key)) call = call.outer
    return call !== undefined
  }

  function forget (key: string, line: Array<() => void>): void {
    if (lines.get(key) === line) lines.delete(key)
  }

  function startAll (key: string, line: Array<() => void>): void {
    forget(key, line)
    for (const start of line.splice(0)) start()
  }

  /**
   * Waits in a line. Resolves with true when the turn comes. After `longestWait` milliseconds, leaves the line and
   * resolves with false.
   */
  function waitIn (line: Array<() => void>): Promise<boolean> {
    return new Promise((resolve) => {
      const start = () => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        line.splice(line.indexOf(start), 1)
        resolve(false)
      }, longestWait)
      line.push(start)
    })
  }

  return {
    async inTurn (key, run) {
      if (isHeldByCaller(key)) return run()
      const line = lines.get(key) ?? []
      if (!lines.has(key)) lines.set(key, line)
      else if (!await waitIn(line)) return run()
      const timer = setTimeout(startAll, longestWait, key, line)
      try {
        return await run().catch((error) => {
          if (error instanceof StorageUnavailableError) startAll(key, line)
          throw error
        })
      } finally {
        clearTimeout(timer)
        const startNext = line.shift()
        if (startNext === undefined) forget(key, line)
        else startNext()
      }
    },

    async callAsHolder (key, call) {
      const current: HolderCall = { key, over: false, outer: enclosingCall() }
      try {
        return await calls.run(current, call)
      } finally {
        // The app's code may have started work that continues in this context. The holder no longer waits for such
        // work.
        current.over = true
      }
    }
  }
}
