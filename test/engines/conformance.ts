import { Kysely, sql, type Dialect } from 'kysely'
import type { Test } from 'tap'
import { testStorage } from '../../src/storage/conformance/index.js'
import { KyselyStorage, migrateStorage, type StorageAdapter } from '../../src/index.js'
import { build, call } from '../support/helpers.js'
import { recordResult } from './results.js'

export interface EngineTest {
  /** The name of the engine in the table. */
  engine: string
  /** The query for the version. */
  version?: string
  /** Dialects of the same data, such as one for each node of a cluster. The storages take them in turns. */
  dialects: ReadonlyArray<() => Dialect>
  /** Whether several storages may use the same data. */
  shares?: boolean
  /** Dialects of other data, for a case that needs two storages. Without them, such storages share a database. */
  others?: ReadonlyArray<() => Dialect>
  /** The cases that are known to fail because of a fault of the engine. The page names this fault. */
  failing?: readonly string[]
}

/** Runs the conformance suite and calls of the HTTP API on an engine, and records the result. */
export async function testEngine (t: Test, {
  engine, version = 'version()', dialects, shares = true, others = dialects, failing = []
}: EngineTest): Promise<void> {
  // A case may need two storages that share nothing. It takes the places in turns, because a migration takes long.
  const places = [dialects, others].map((each, i) => {
    let turn = 0
    const tablePrefix = `vexa${i}_`
    return {
      tablePrefix,
      db: new Kysely<any>({ dialect: (each[0] as () => Dialect)() }),
      open: () => new KyselyStorage({ dialect: (each[turn++ % each.length] as () => Dialect)(), tablePrefix })
    }
  })
  type Place = typeof places[number]
  const placeOf = new WeakMap<StorageAdapter, Place>()
  const emptyStorage = async () => {
    const place = places.shift() as Place
    places.push(place)
    for (const table of ['audit', 'tokens', 'users']) await place.db.deleteFrom(place.tablePrefix + table).execute()
    const storage = place.open()
    placeOf.set(storage, place)
    return storage
  }
  const share = (storage: StorageAdapter) => (placeOf.get(storage) as Place).open()
  const cases: Array<[name: string, run: () => Promise<void>]> = []
  testStorage((name, run) => cases.push([name, run]), emptyStorage, shares ? { share } : {})

  try {
    for (const place of places) await migrateStorage(place.open())
    let passed = 0
    await t.test(`${engine}: passes the conformance suite`, async (t) => {
      for (const [name, run] of cases) {
        await t.test(name, async (t) => {
          if (failing.includes(name)) return t.rejects(run(), 'the fault is still there')
          await run()
          passed++
        })
      }
    })
    const { db } = places[0] as Place
    const { rows } = await sql<{ version: string }>`select ${sql.raw(version)} as version`.execute(db)
    recordResult({ engine, version: rows[0]?.version ?? '', passed, total: cases.length })
    const storage = await emptyStorage()
    await t.test(`${engine}: serves the HTTP API`, (t) => callApi(t, storage))
  } finally {
    for (const { db } of places) await db.destroy()
  }
}

/** Calls the routes that differ most in SQL, over a storage that is empty. */
async function callApi (t: Test, storage: StorageAdapter): Promise<void> {
  const app = await build(t, { storage, audit: true })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async ({ vexaUser }) => vexaUser)
  const admin = async (status: number, ...[method, url, payload]: [Parameters<typeof call>[1], string, object?]) => {
    const reply = await call(app, method, url, payload && { payload })
    t.equal(reply.statusCode, status, `${method} ${url}: ${reply.body}`)
    return reply.body && reply.json()
  }
  const me = async (status: number, token: string) => {
    const reply = await app.inject({ url: '/me', headers: { 'x-api-key': token } })
    t.equal(reply.statusCode, status, reply.body)
  }
  const data = { plan: 'pro', deep: [1.5, { 'ключ "\\': null }] }
  const user = await admin(201, 'POST', '/admin/users', { email: 'José@example.com', name: 'José 🔑', data })
  await admin(409, 'POST', '/admin/users', { email: 'JOSÉ@example.com' })
  const token = await admin(201, 'POST', `/admin/users/${user.id}/tokens`, { name: 'é', expires_in: 3600 })
  await me(200, token.token)
  t.match(await admin(200, 'GET', `/admin/users/${user.id}`), { email: 'josé@example.com', name: 'José 🔑', data })
  t.match(await admin(200, 'GET', '/admin/users?search=JOS%C3%89&count=true'), [{ id: user.id }])
  t.same(await admin(200, 'GET', '/admin/users?search=%25'), [])
  t.match(
    await admin(200, 'PATCH', `/admin/users/${user.id}`, { data: { plan: null, trial: true } }),
    { data: { deep: data.deep, trial: true } }
  )
  const next = await admin(201, 'POST', `/admin/tokens/${token.id}/rotate`, { grace_period: 60 })
  await me(200, token.token)
  await me(200, next.token)
  t.match(await admin(200, 'GET', '/admin/tokens?state=active&order=desc'), [{ id: next.id }, { id: token.id }])
  await admin(409, 'POST', `/admin/tokens/${token.id}/rotate`)
  await admin(200, 'PATCH', `/admin/users/${user.id}`, { disabled: true })
  await me(403, next.token)
  await admin(200, 'PATCH', `/admin/users/${user.id}`, { disabled: false })
  await admin(204, 'DELETE', `/admin/tokens/${next.id}`)
  await me(401, next.token)
  await admin(204, 'DELETE', `/admin/users/${user.id}`)
  await me(401, token.token)
  t.equal((await admin(200, 'GET', '/admin/audit')).length, 8, 'each change has an entry')
}

