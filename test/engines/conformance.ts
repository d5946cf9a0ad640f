import { sql, type Kysely } from 'kysely'
import type { Test } from 'tap'
import { testStorage } from '../../src/storage/conformance/index.js'
import { migrateStorage, type KyselyStorage, type StorageAdapter } from '../../src/index.js'
import { build, call } from '../support/helpers.js'
import { recordResult } from './results.js'

export interface EngineTest {
  /** The name of the engine in the table. */
  engine: string
  /** The expression in SQL for the version. */
  version?: string
  /** A connection to the data, apart from the storages. */
  db: Kysely<any>
  /** Create storages over the same data, such as one on each node of a cluster. The suite takes them in turns. */
  storages: ReadonlyArray<(tablePrefix: string) => KyselyStorage>
  /** The cases that are known to fail because of a fault of the engine. The page names this fault. */
  failing?: readonly string[]
}

/** Runs the conformance suite and calls of the HTTP API on an engine, and records the result. */
export async function testEngine (
  t: Test, { engine, version = 'version()', db, storages, failing = [] }: EngineTest
): Promise<void> {
  let turn = 0
  const open = (tablePrefix: string) => (storages[turn++ % storages.length] as typeof storages[0])(tablePrefix)
  // A case may need two storages that share nothing. It takes the prefixes in turns, because a migration takes long.
  const prefixes = ['vexa_a_', 'vexa_b_']
  const prefixOf = new WeakMap<StorageAdapter, string>()
  const emptyStorage = async () => {
    const prefix = prefixes.shift() as string
    prefixes.push(prefix)
    for (const table of ['audit', 'tokens', 'users']) await db.deleteFrom(prefix + table).execute()
    const storage = open(prefix)
    prefixOf.set(storage, prefix)
    return storage
  }
  const share = (storage: StorageAdapter) => open(prefixOf.get(storage) as string)
  const cases: Array<[name: string, run: () => Promise<void>]> = []
  testStorage((name, run) => cases.push([name, run]), emptyStorage, { share })

  for (const prefix of prefixes) await migrateStorage(open(prefix))
  let passed = 0
  await t.test(`${engine}: passes the conformance suite`, async (t) => {
    for (const [name, run] of cases) {
      await t.test(name, async (t) => {
        if (failing.includes(name)) {
          await t.rejects(run(), 'the fault is still there')
        } else {
          await run()
          passed++
        }
      })
    }
  })
  const { rows } = await sql<{ version: string }>`select ${sql.raw(version)} as version`.execute(db)
  recordResult({ engine, version: rows[0]?.version ?? '', passed, total: cases.length })
  const storage = await emptyStorage()
  await t.test(`${engine}: serves the HTTP API`, (t) => callApi(t, storage))
}

/** Calls the routes that differ most in SQL, over a storage that is empty. */
async function callApi (t: Test, storage: StorageAdapter): Promise<void> {
  const app = await build(t, { storage, audit: true })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async ({ apiUser }) => apiUser)
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
