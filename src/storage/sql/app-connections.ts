import { AsyncLocalStorage } from 'node:async_hooks'
import type { ControlledTransactionBuilder, Kysely, QueryExecutor } from 'kysely'
import { InTransactionError } from '../../errors.js'

/** The use of one connection by the app, for example in a transaction. `over` is true after that use has ended. */
interface Hold { over: boolean }

// The keys are executors, because several storages may share the executor of one Kysely.
const holdsOf = new WeakMap<QueryExecutor, AsyncLocalStorage<Hold>>()

/**
 * Makes each query of `ours` throw InTransactionError at once if its caller holds a connection of `theirs`, from which
 * `ours` is derived. Such a query needs a second connection. If no connection is free, the query waits for the
 * connection of its own caller, and blocks all other callers. The changes of the query would also remain when the
 * caller's transaction is rolled back.
 *
 * The async context identifies the caller. Kysely has no hook for the use of a connection, so this function replaces
 * methods of the app's executor.
 */
export function rejectHolders (theirs: Kysely<any>, ours: Kysely<any>): void {
  const holds = watch(theirs.getExecutor())
  watchControlled(theirs)
  const executor = ours.getExecutor()
  const { provideConnection } = executor
  executor.provideConnection = async (...parameters) => {
    if (holds.getStore()?.over === false) throw new InTransactionError()
    return await provideConnection.apply(executor, parameters) as never
  }
}

/**
 * Marks the async context of each function that uses a connection of this executor, while the function holds the
 * connection. Also watches the executors that are derived from this executor later.
 */
function watch (executor: QueryExecutor, holds = holdsOf.get(executor)): AsyncLocalStorage<Hold> {
  if (holds !== undefined && holdsOf.has(executor)) return holds
  const watched = holds ?? new AsyncLocalStorage<Hold>()
  holdsOf.set(executor, watched)

  const { provideConnection, stream } = executor
  // The generator starts in the async context of the loop that reads it.
  executor.stream = async function * (...parameters) {
    const hold = { over: false }
    watched.enterWith(hold)
    try {
      yield * stream.apply(executor, parameters) as AsyncIterableIterator<any>
    } finally {
      hold.over = true
    }
  }
  executor.provideConnection = async (consumer, ...rest) => {
    const hold = { over: false }
    if (beginsControlled) watched.enterWith(hold)
    try {
      const watchedConsumer: typeof consumer = (connection) => watched.run(hold, consumer, connection)
      return await provideConnection.call(executor, watchedConsumer, ...rest) as never
    } finally {
      // Work that the consumer started may continue in its context, but no longer holds the connection.
      hold.over = true
    }
  }
  for (const name of ['withPlugin', 'withPlugins', 'withPluginAtFront', 'withoutPlugins'] as const) {
    const derive = executor[name] as (...parameters: unknown[]) => QueryExecutor
    executor[name] = (...parameters: unknown[]) => {
      const derived = derive.apply(executor, parameters)
      watch(derived, watched)
      return derived
    }
  }
  return watched
}

let beginsControlled = false

/**
 * Makes `startTransaction` mark the async context of its caller, because the caller then holds a connection.
 * Such a transaction has no callback that could run in a separate context. `beginsControlled` is true only during
 * `execute`, because Kysely asks its executor for the connection before `execute` returns.
 */
function watchControlled (theirs: Kysely<any>): void {
  const { startTransaction } = theirs
  theirs.startTransaction = () => watchedBuilder(startTransaction.call(theirs))
  for (const name of ['withPlugin', 'withoutPlugins', 'withSchema', 'withTables'] as const) {
    const derive = theirs[name] as (...parameters: unknown[]) => Kysely<any>
    theirs[name] = (...parameters: unknown[]) => {
      const derived = derive.apply(theirs, parameters)
      watchControlled(derived)
      return derived
    }
  }
}

function watchedBuilder<DB> (builder: ControlledTransactionBuilder<DB>): ControlledTransactionBuilder<DB> {
  const { execute, setAccessMode, setIsolationLevel } = builder
  return Object.assign(builder, {
    setAccessMode: (...parameters: Parameters<typeof setAccessMode>) =>
      watchedBuilder(setAccessMode.apply(builder, parameters)),
    setIsolationLevel: (...parameters: Parameters<typeof setIsolationLevel>) =>
      watchedBuilder(setIsolationLevel.apply(builder, parameters)),
    execute () {
      beginsControlled = true
      try {
        return execute.call(builder)
      } finally {
        beginsControlled = false
      }
    }
  })
}
