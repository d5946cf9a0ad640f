// Processes and servers are killed while twelve clients make changes with an audit trail. Then each change has one
// entry, and each entry has its change. Run by `npm run soak`. AUDIT_CHANGES is the least number of changes.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { newEntry } from '../../src/storage/conformance/audit-changes.js'
import { newUser } from '../../src/storage/conformance/records.js'
import { run, type Child } from '../support/child.js'
import { databaseNames, dialectAt, dialectFor, emptyPlace, tablePrefixAt } from '../support/databases.js'
import { replay, stateOf, trailOf } from '../support/replay.js'
import { startServer, uninstalled, type DatabaseServer } from '../support/servers.js'

const wanted = Number(process.env.AUDIT_CHANGES ?? 1500)
const kills = 10

for (const database of databaseNames) {
  t.test(`${database}: each change has one entry, and each entry its change, after kill -9`, {
    skip: database !== 'sqlite' && uninstalled(database)
  }, async (t) => {
    const server = database === 'sqlite' ? undefined : await startServer(t, database)
    const place = server ? `${database}:soak_` : emptyPlace(t, database)
    const variables = { postgres: 'POSTGRES_URL', mysql: 'MYSQL_URL', sqlite: '' }
    const env = server ? { [variables[database]]: server.url } : {}
    const tablePrefix = tablePrefixAt(place)
    const dialect = database === 'sqlite' ? dialectAt(place) : dialectFor(database, server?.url)
    const db = new Kysely<any>({ dialect })
    t.teardown(() => db.destroy())
    await answer(db)
    const storage = new KyselyStorage({ db, tablePrefix })
    await storage.open()
    await storage.createUser(
      newUser({ email: 'shared@x', name: 'shared' }), newEntry('user.created', { request_id: 'shared' })
    )

    const started: Child[] = []
    const start = async () => {
      const child = run(t, 'test/support/fixtures/audited-changes.ts', { args: [place, `${started.length}`], env })
      started.push(child)
      await child.line(/^ready$/)
      return child
    }
    // 0 while the server does not answer.
    const last = async () => {
      const query = db.selectFrom(`${tablePrefix}audit`).select(({ fn }) => fn.max('id').as('last'))
      return Number((await query.executeTakeFirst().catch(() => undefined))?.last ?? 0)
    }
    const processes = [await start(), await start()]
    for (let n = 1; n <= kills; n++) {
      while (await last() < wanted * n / kills) await sleep(5)
      if (server !== undefined && n % 2 === 0) {
        await kill(server)
        await sleep(200)
        await server.start()
        await answer(db)
      }
      if (server !== undefined && n % 2 === 0 && n < kills) continue
      // The first process, the second one, or both.
      const doomed = n === kills ? [0, 1] : n % 3 === 0 ? [0, 1] : [n % 2]
      for (const i of doomed) processes[i]?.process.kill('SIGKILL')
      await Promise.all(doomed.map((i) => processes[i]?.exit))
      if (n < kills) for (const i of doomed) processes[i] = await start()
    }

    const trail = await trailOf(storage)
    const { state, faults } = replay(trail)
    const requests = trail.map((entry) => entry.request_id)
    const confirmed = started.flatMap((child) => child.output().split('\n').filter((line) => /^\d+-/.test(line)))
    const written = new Set(requests)
    t.ok(trail.length >= wanted, `at least ${wanted} changes`)
    t.same(faults, [], `${trail.length} entries can be replayed`)
    t.strictSame(trail.map(({ id }) => id), trail.map((_entry, n) => `${n + 1}`), 'keys have no gap')
    t.equal(written.size, requests.length, 'no change has two entries')
    t.same(confirmed.filter((request) => !written.has(request)), [], `${confirmed.length} confirmed changes are there`)
    const stored = await stateOf(storage)
    t.same([...stored].filter((line) => !state.has(line)), [], `each of ${stored.size} records is as its entries say`)
    t.same([...state].filter((line) => !stored.has(line)), [], 'each entry has its change')
    t.comment(JSON.stringify({
      changes: trail.length, confirmed: confirmed.length, records: stored.size, processes: started.length
    }))
  })
}

/** Resolves when the database answers. PostgreSQL accepts connections earlier. */
async function answer (db: Kysely<any>): Promise<void> {
  while (!await sql`select 1`.execute(db).catch(() => false)) await sleep(20)
}

/** Kills a server with `kill -9`. PostgreSQL has processes that would live on for a moment. */
async function kill (server: DatabaseServer): Promise<void> {
  if (server.url.startsWith('postgres:')) {
    const pid = Number(readFileSync(`${server.directory}/postmaster.pid`, 'utf8').split('\n')[0])
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
    for (const each of [pid, ...children]) process.kill(each, 'SIGKILL')
  }
  await server.crash()
}
