import type { CompiledQuery, DatabaseConnection, Kysely } from 'kysely'
import type { FailoverTraits } from './dialects/dialect-traits.js'

const replaced = Symbol('replaced')

/**
 * Makes `db` leave a server that has become read-only, or that is a replica with old data. A pool keeps connections to
 * such a server, because they work.
 *
 * - Each connection is checked before its first use, and again after `checkLasts` milliseconds.
 * - A connection is ended if it fails the check, or if the server rejects a write because it is read-only. The pool
 *   then opens a new connection.
 * - After that, each connection that is older is ended and replaced before its next use.
 *
 * A statement ends the session, because Kysely gives no access to the driver's connection. The statement also works
 * with the Kysely of an app. Like `rejectHolders`, this function replaces a method of the executor.
 */
export function leaveReadOnlyServers (db: Kysely<any>, traits: FailoverTraits): void {
  const executor = db.getExecutor()
  const { provideConnection } = executor
  const check = traits.checkQuery.compile(db)
  const endSession = traits.endSession.compile(db)

  /** The time of the latest check of each connection, and the number of faults before it. */
  const checks = new WeakMap<DatabaseConnection, { time: number, faults: number }>()
  const isKept = createKeptConnections()
  let faults = 0

  async function end (connection: DatabaseConnection): Promise<void> {
    // A session that cannot be ended counts as checked. Otherwise each use would try to end it.
    checks.set(connection, { time: performance.now(), faults })
    await attempt(connection, endSession)
    // The driver notices the end after its reply. It has noticed the end when the next statement fails.
    await attempt(connection, check)
  }

  async function checkServer (connection: DatabaseConnection): Promise<void> {
    const latest = checks.get(connection)
    const current = { time: performance.now(), faults }
    if (latest !== undefined && current.time - latest.time < traits.checkLasts) return
    const { rows } = await connection.executeQuery<object>(check)
    const fault = traits.faultOf(rows)
    if (fault === undefined) {
      checks.set(connection, current)
      return
    }
    // A new connection may lead to a replica although the other connections lead to the primary.
    if (latest !== undefined) faults++
    await end(connection)
    throw Object.assign(new Error(fault), { code: 'NOT_PRIMARY' })
  }

  executor.provideConnection = async (consumer, ...rest) => {
    for (;;) {
      const result = await provideConnection.call(executor, async (connection) => {
        if (!isKept(connection)) return await consumer(connection)
        if ((checks.get(connection)?.faults ?? faults) < faults) {
          await end(connection)
          return replaced
        }
        await checkServer(connection)
        try {
          return await consumer(connection)
        } catch (error) {
          if (traits.isReadOnlyError(error)) {
            faults++
            await end(connection)
          }
          throw error
        }
      }, ...rest)
      if (result !== replaced) return result as never
    }
  }
}

/**
 * Returns a function that returns whether the dialect keeps one object for each connection, as the dialects of Kysely
 * do. The start shows this, because it uses one connection several times.
 *
 * The dialect of postgres.js makes a new object for each use. A check of each object would double the statements, and
 * postgres.js throws an uncaught error if a connection ends during its use.
 */
function createKeptConnections (): (connection: DatabaseConnection) => boolean {
  const used = new WeakSet<DatabaseConnection>()
  let keepsObjects = false
  return (connection) => {
    keepsObjects ||= used.has(connection)
    used.add(connection)
    return keepsObjects
  }
}

async function attempt (connection: DatabaseConnection, query: CompiledQuery): Promise<void> {
  try {
    await connection.executeQuery(query)
  } catch {
    // The end of a session is an error for the driver.
  }
}
