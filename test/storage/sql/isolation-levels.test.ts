// Clients make changes at once, at each isolation level that a session may have. No change or read may fail.
import { randomBytes } from 'node:crypto'
import { Kysely, MysqlDialect, PostgresDialect, type Dialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage } from '../../../src/index.js'
import { newEntry } from '../../../src/storage/conformance/audit-changes.js'
import { newUser } from '../../../src/storage/conformance/records.js'
import { changeRecords, type Change } from '../../support/change-records.js'
import { emptyPlace, mysqlUrl, postgresUrl, tablePrefixAt, unavailable } from '../../support/databases.js'
import { replay, stateOf, trailOf } from '../../support/replay.js'

const clients = 10

const dialects = {
  postgres: (level: string) => new PostgresDialect({
    pool: new pg.Pool({
      connectionString: postgresUrl,
      max: clients,
      options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`
    })
  }),
  mysql: (level: string) => {
    const pool = mysql.createPool({ uri: mysqlUrl, connectionLimit: clients })
    pool.on('connection', (connection) => {
      connection.query(`set session transaction isolation level ${level}`)
      // MariaDB 11.6 and later have this setting by default. MySQL ignores a comment.
      connection.query('/*M!100618 set session innodb_snapshot_isolation = 1 */')
    })
    return new MysqlDialect({ pool })
  }
} satisfies Record<string, (level: string) => Dialect>

const cases = [
  ['postgres', 'repeatable read', 'with a trail'],
  ['postgres', 'serializable', 'with a trail'],
  ['postgres', 'serializable', 'without a trail'],
  ['mysql', 'read committed', 'with a trail'],
  ['mysql', 'serializable', 'with a trail']
] as const

for (const [database, level, trail] of cases) {
  const isAudited = trail === 'with a trail'
  t.test(`KyselyStorage: no call fails in ${database} at ${level}, ${trail}`, {
    skip: await unavailable(database)
  }, async (t) => {
    const db = new Kysely<any>({ dialect: dialects[database](level) })
    const storage = new KyselyStorage({ db, tablePrefix: tablePrefixAt(emptyPlace(t, database)) })
    t.teardown(() => db.destroy())
    await storage.open()
    const change: Change = async (action, request, make) => {
      const answer: any = await make(isAudited ? newEntry(action, { request_id: request }) : undefined)
      return typeof answer === 'string' ? undefined : answer
    }
    const shared = newUser({ email: 'shared@x', name: 'shared' })
    const user = await change('user.created', 'shared', (entry) => storage.createUser(shared, entry))
    const id = user?.id as string
    let isOver = false
    const read = async () => {
      for (let last = false; !last; last = isOver) {
        await storage.findTokenByHash(randomBytes(32))
        await storage.listUsers({ order: 'desc', skip: 0, limit: 20 })
        await storage.listTokens({ order: 'desc', limit: 20 })
        await storage.countUsers()
      }
    }
    const changes = Array.from({ length: clients }, (_, n) => changeRecords(storage, id, 'client', n, change))
    const writing = Promise.all(changes).finally(() => { isOver = true })
    const outcomes = await Promise.allSettled([writing, read()])
    t.same(outcomes.flatMap((outcome) => outcome.status === 'rejected' ? [outcome.reason.message] : []), [])
    const trail = await trailOf(storage)
    t.equal(trail.length > clients * 10, isAudited)
    const { state, faults } = replay(trail)
    t.same(faults, [])
    if (isAudited) t.strictSame([...state].sort(), [...await stateOf(storage)].sort())
  })
}
