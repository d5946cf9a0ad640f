import type { CompiledQuery, DatabaseConnection, Kysely } from 'kysely'
import type { FailoverTraits } from './dialects/dialect-traits.js'

const replaced = Symbol('replaced')
/** Milliseconds until the next new connection is checked, after the check of a new connection has failed. */
const checkPause = 250
/** Milliseconds until all connections can be replaced again. Otherwise each failed write would empty the pool. */
const replacementPause = 1000

/**
 * Makes `db` leave a server that has become read-only, or that is a replica with old data. A pool keeps connections to
 * such a server, because they work. Returns a function that turns this off and on. During the start it is off, because
 * the start itself checks the server and reports the fault.
 *
 * - Each connection is checked before its first use, and again after `checkLasts` milliseconds.
 * - A connection is ended if it fails the check, or if the server rejects a write because it is read-only. The pool
 *   then opens a new connection. A connection that cannot be ended is checked again before its next use.
 * - After that, each connection that is older is ended and replaced before its next use.
 *
 * While all servers are read-only, the pauses above limit how many connections are opened and ended.
 *
 * A statement ends the session, because Kysely gives no access to the driver's connection. Like `rejectHolders`, this
 * function replaces a method of the executor.
 *
 * @param ends whether to end connections. `false` for the Kysely of an app, which may keep state in its sessions.
 * Connections that fail the check are then not used
 */
export function leaveReadOnlyServers (db: Kysely<any>, traits: FailoverTraits, ends: boolean): (isOn: boolean) => void {
  const executor = db.getExecutor()
  const { provideConnection } = executor
  const check = traits.checkQuery.compile(db)
  const endSession = traits.endSession.compile(db)

  /** The time of the latest check of each connection that has passed it, and the number of replacements before it. */
  const checks = new WeakMap<DatabaseConnection, { time: number, replacements: number }>()
  const isKept = createKeptConnections()
  /** The reason why a new connection has failed its check, until another new connection passes the check. */
  let rejection: { time: number, fault: string } | undefined
  let replacements = 0
  let replacementTime = -Infinity
  let isOn = true

  /** Makes each connection that is open now be replaced before its next use. Returns `false` during the pause. */
  function replaceAll (): boolean {
    const now = performance.now()
    if (!ends || now - replacementTime < replacementPause) return false
    replacementTime = now
    replacements++
    return true
  }

  async function end (connection: DatabaseConnection): Promise<void> {
    checks.delete(connection)
    if (!ends) return
    await attempt(connection, endSession)
    // The driver notices the end after its reply. It has noticed the end when the next statement fails.
    await attempt(connection, check)
  }

  async function checkServer (connection: DatabaseConnection): Promise<void> {
    const latest = checks.get(connection)
    const current = { time: performance.now(), replacements }
    if (latest !== undefined && current.time - latest.time < traits.checkLasts) return
    if (latest === undefined && rejection !== undefined) {
      if (current.time - rejection.time < checkPause) throw notPrimary(rejection.fault)
      // Meanwhile, other new connections are not checked.
      rejection.time = current.time
    }
    const { rows } = await connection.executeQuery<object>(check)
    const fault = traits.faultOf(rows)
    if (fault === undefined) {
      checks.set(connection, current)
      if (latest === undefined) rejection = undefined
      return
    }
    // A new connection may lead to a replica although the other connections lead to the primary.
    if (latest === undefined) rejection = { time: performance.now(), fault }
    else replaceAll()
    await end(connection)
    throw notPrimary(fault)
  }

  executor.provideConnection = async (consumer, ...rest) => {
    for (;;) {
      const result = await provideConnection.call(executor, async (connection) => {
        if (!isKept(connection) || !isOn) return await consumer(connection)
        if ((checks.get(connection)?.replacements ?? replacements) < replacements) {
          await end(connection)
          return replaced
        }
        await checkServer(connection)
        try {
          return await consumer(connection)
        } catch (error) {
          if (traits.isReadOnlyError(error) && replaceAll()) await end(connection)
          throw error
        }
      }, ...rest)
      if (result !== replaced) return result as never
    }
  }

  return (value) => { isOn = value }
}

function notPrimary (fault: string): Error {
  return Object.assign(new Error(fault), { code: 'NOT_PRIMARY' })
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
