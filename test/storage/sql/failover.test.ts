// Which connections of a pool are checked, ended and replaced. The servers and the driver are models of real ones.
import {
  Kysely, MysqlAdapter, MysqlQueryCompiler, PostgresAdapter, PostgresQueryCompiler, SqliteIntrospector,
  type CompiledQuery, type DatabaseConnection, type Dialect, type QueryResult
} from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage } from '../../../src/index.js'

type DatabaseName = 'postgres' | 'mysql'

interface Server {
  /** Whether the check finds a replica. */
  isReplica?: boolean
  /** The error of each write. */
  fault?: object
  /** Whether sessions end when a statement asks for it. */
  keepsSessions?: boolean
}

const readOnlyFaults = {
  postgres: [{ code: '25006' }, { cause: { code: '25006' } }],
  mysql: [{ errno: 1290 }, { errno: 1792 }, { errno: 1836 }, { errno: 3100 }]
}
const databases = ['postgres', 'mysql'] as const

/** Returns a storage over a pool, whose new connections lead to `pool.server`. */
function pooled (database: DatabaseName, { keepsObjects = true, db: ofApp = false } = {}) {
  const pool = { server: {} as Server, opened: 0, sent: [] as string[] }
  interface Session extends DatabaseConnection { session: Session, hasEnded: boolean }
  const idle: Session[] = []
  const open = (): Session => {
    const { server } = pool
    const name = ++pool.opened
    const session: Session = {
      get session () { return session },
      hasEnded: false,
      async executeQuery<R> ({ sql }: CompiledQuery) {
        const kind = /pg_is_in_recovery|^show/.test(sql) ? 'check' : /^kill|pg_terminate/.test(sql) ? 'end' : 'query'
        if (session.hasEnded) throw new Error('the connection is closed')
        pool.sent.push(`${kind} ${name}`)
        const result = (rows: object[]) => ({ rows: rows as R[], numAffectedRows: 1n }) as QueryResult<R>
        if (kind === 'check') {
          return result(database === 'postgres'
            ? [{ 'pg_is_in_recovery()': String(server.isReplica === true) }]
            : [{ name: 'read_only', value: server.isReplica === true ? 'ON' : 'OFF' }])
        }
        if (kind === 'end') {
          if (server.keepsSessions !== true) session.hasEnded = true
          throw new Error('the session ends')
        }
        if (/^(update|delete)/.test(sql) && server.fault !== undefined) {
          throw Object.assign(new Error('from the server'), server.fault)
        }
        return result([])
      },
      streamQuery: () => { throw new Error('not here') }
    }
    return session
  }
  const dialect: Dialect = {
    createAdapter: () => database === 'mysql' ? new MysqlAdapter() : new PostgresAdapter(),
    createQueryCompiler: () => database === 'mysql' ? new MysqlQueryCompiler() : new PostgresQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => {
        const session = idle.pop() ?? open()
        return keepsObjects
          ? session
          : { session, executeQuery: session.executeQuery, streamQuery: session.streamQuery } as DatabaseConnection
      },
      beginTransaction: async () => {},
      commitTransaction: async () => {},
      rollbackTransaction: async () => {},
      releaseConnection: async (connection) => {
        const { session } = connection as Session
        if (!session.hasEnded) idle.push(session)
      },
      destroy: async () => {}
    })
  }
  const storage = new KyselyStorage(ofApp ? { db: new Kysely<any>({ dialect }) } : { dialect })
  const read = () => storage.findUser('1')
  return {
    pool,
    storage,
    read,
    readAtOnce: (count: number) => Promise.all(Array.from({ length: count }, read)),
    write: () => storage.revokeToken('1'),
    /** Takes an idle connection away, so that the next use opens another. */
    takeAway: () => { idle.pop() },
    /** Returns what was sent since the last call. */
    sent: () => pool.sent.splice(0)
  }
}

/** Stops the clock of `performance`. Returns a function that sets it forward. */
function stopClock (t: Test): (milliseconds: number) => void {
  const { now } = performance
  let time = now.call(performance)
  performance.now = () => time
  t.teardown(() => { performance.now = now })
  return (milliseconds) => { time += milliseconds }
}

for (const database of databases) {
  t.test(`${database}`, async (t) => {
    t.test('connections: are checked once before their use', async (t) => {
      const { read, readAtOnce, sent } = pooled(database)
      await read()
      t.same(sent(), ['query 1'], 'it is not yet known whether the dialect keeps its objects')
      await read()
      await read()
      t.same(sent(), ['check 1', 'query 1', 'query 1'])
      await readAtOnce(2)
      t.same(sent().sort(), ['check 2', 'query 1', 'query 2'])
    })

    t.test('connections: are ended and replaced when one write fails', async (t) => {
      for (const fault of readOnlyFaults[database]) {
        const { pool, readAtOnce, read, sent, write } = pooled(database)
        await readAtOnce(3)
        await readAtOnce(3)
        sent()
        const old = pool.server
        old.fault = fault
        pool.server = {}
        await t.rejects(write(), { message: 'from the server', ...fault })
        t.match(sent(), [/query/, /end/], 'the failed connection')
        t.equal(await write(), true)
        t.match(sent(), [/end/, /end/, 'check 4', 'query 4'], 'the older connections')
        await read()
        t.same(sent(), ['query 4'])
      }
    })

    t.test('connections: are ended after a failed transaction', async (t) => {
      const { pool, read, sent, storage } = pooled(database)
      await read()
      await read()
      sent()
      pool.server.fault = readOnlyFaults[database][0] as object
      await t.rejects(storage.deleteUser('1'), { message: 'from the server' })
      t.same(sent(), ['query 1', 'end 1'])
    })

    t.test('connections: stay open after other errors', async (t) => {
      const { pool, read, sent, write } = pooled(database)
      await read()
      pool.server.fault = { code: '57014', errno: 1317 }
      await t.rejects(write(), { message: 'from the server' })
      await read()
      t.same(sent(), ['query 1', 'check 1', 'query 1', 'query 1'])
    })

    t.test('connections: are ended when they are new and lead to a replica', async (t) => {
      const elapse = stopClock(t)
      const { pool, read, readAtOnce, sent } = pooled(database)
      await read()
      await read()
      pool.server = { isReplica: true }
      sent()
      const replies = await Promise.allSettled([read(), read()])
      t.match(replies.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      t.match(replies.find(({ status }) => status === 'rejected'), {
        reason: { code: 'NOT_PRIMARY', message: /which answers with old data|is a replica that answers with old data/ }
      })
      t.same(sent().sort(), ['check 2', 'end 2', 'query 1'])
      pool.server = {}
      const [, later] = await Promise.allSettled([read(), read()])
      t.match(later, { reason: { code: 'NOT_PRIMARY' } })
      t.same(sent().sort(), ['query 1'], 'the next connection is not checked at once')
      elapse(250)
      await readAtOnce(2)
      t.same(sent().sort(), ['check 3', 'query 1', 'query 3'], 'the other connection stays')
    })

    t.test('connections: are never used while they lead to a replica, even if they cannot be ended', async (t) => {
      const elapse = stopClock(t)
      const { pool, read, sent, takeAway } = pooled(database)
      await read()
      await read()
      pool.server = { isReplica: true, keepsSessions: true }
      takeAway()
      sent()
      for (let n = 0; n < 20; n++) {
        await t.rejects(read(), { code: 'NOT_PRIMARY' })
        elapse(100)
      }
      t.same(sent().filter((line) => line.startsWith('query')), [])
      t.equal(pool.opened, 2)
      pool.server.isReplica = false
      elapse(250)
      await read()
      t.same(sent().slice(-2), ['check 2', 'query 2'])
    })

    t.test('connections: are replaced at most once a second while every server is read-only', async (t) => {
      const elapse = stopClock(t)
      const { pool, readAtOnce, write } = pooled(database)
      pool.server.fault = readOnlyFaults[database][0] as object
      for (let n = 0; n < 50; n++) {
        await readAtOnce(4)
        await t.rejects(write())
        elapse(100)
      }
      t.ok(pool.opened <= 4 + 5 * 4, `${pool.opened} connections in five seconds`)
    })

    t.test('connections: stay in use when the server does not end sessions', async (t) => {
      const { pool, read, readAtOnce, sent, write } = pooled(database)
      await readAtOnce(2)
      await readAtOnce(2)
      pool.server.keepsSessions = true
      pool.server.fault = readOnlyFaults[database][0] as object
      sent()
      await t.rejects(write())
      t.match(sent(), [/query/, /end/, /check/])
      await readAtOnce(2)
      t.match(sent().sort(), [/check/, /check/, /check/, /end/, /query/, /query/])
      await read()
      t.match(sent(), [/query/])
    })
  })

  t.test(`${database}: connections of the app's Kysely stay open, and unused while at a replica`, async (t) => {
    const elapse = stopClock(t)
    const { pool, read, sent, takeAway, write } = pooled(database, { db: true })
    await read()
    await read()
    pool.server.fault = readOnlyFaults[database][0] as object
    for (let n = 0; n < 3; n++) await t.rejects(write(), { message: 'from the server' })
    await read()
    takeAway()
    pool.server = { isReplica: true }
    for (let n = 0; n < 5; n++) {
      await t.rejects(read(), { code: 'NOT_PRIMARY' })
      elapse(100)
    }
    pool.server.isReplica = false
    elapse(250)
    await read()
    t.same(sent().filter((line) => line.startsWith('end')), [])
    t.equal(pool.opened, 2)
  })

  t.test(`${database}: a dialect without lasting objects is not checked, and keeps its connections`, async (t) => {
    const { pool, read, sent, write } = pooled(database, { keepsObjects: false })
    await read()
    pool.server.fault = readOnlyFaults[database][0] as object
    await t.rejects(write())
    await read()
    t.same(sent(), ['query 1', 'query 1', 'query 1'])
  })
}

t.test('mysql: a connection is checked again after a second', async (t) => {
  const elapse = stopClock(t)
  const { pool, read, readAtOnce, sent } = pooled('mysql')
  await readAtOnce(2)
  await readAtOnce(2)
  sent()
  elapse(999)
  await read()
  t.match(sent(), [/query/])
  // The clock has fractions of a millisecond.
  elapse(2)
  await readAtOnce(2)
  t.match(sent().sort(), ['check 1', 'check 2', 'query 1', 'query 2'])
  pool.server.isReplica = true
  pool.server = {}
  elapse(1000)
  await t.rejects(read(), { code: 'NOT_PRIMARY', message: /^read_only is ON: / })
  t.match(sent(), [/check/, /end/])
  await read()
  t.match(sent(), [/end/, 'check 3', 'query 3'], 'the older connection is replaced')
})

t.test('postgres: a connection is not checked again', async (t) => {
  const elapse = stopClock(t)
  const { read, sent } = pooled('postgres')
  await read()
  await read()
  elapse(1e9)
  await read()
  t.same(sent(), ['query 1', 'check 1', 'query 1', 'query 1'])
})
