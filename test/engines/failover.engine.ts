// Failovers: the primary is killed, or becomes read-only while its connections stay open.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { KyselyStorage, type KyselyStorageOptions } from '../../src/index.js'
import { addressOf } from '../support/address.js'
import { run } from '../support/child.js'
import { dialectFor, poolSize } from '../support/databases.js'
import { adminKey, build, call } from '../support/helpers.js'
import { send } from '../support/send.js'
import { freePort, uninstalled } from '../support/servers.js'
import { adminOf, makeReadOnly, startPair, startReplicated, until } from './clusters.js'
import { failOver } from './fail-over.js'

const withPostgres = { skip: uninstalled('postgres') }
const withMariadb = { skip: uninstalled('mysql') }

/** Starts an app over a storage, with a user and two tokens. */
async function startApp (t: Test, options: KyselyStorageOptions) {
  const app = await build(t, { storage: new KyselyStorage(options) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const tokens = [await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)] as const
  const write = async () => (await call(app, 'PATCH', `/admin/users/${id}`, { payload: { name: 'x' } })).statusCode
  const use = async (token: string) => (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode
  /** Opens all connections of the pool. */
  const fill = () => Promise.all(Array.from({ length: 4 * poolSize }, () => use(tokens[0].token)))
  await fill()
  return { app, tokens, write, use, fill }
}

/** Writes until a write succeeds. Returns the statuses and the time. */
async function writeAgain (t: Test, write: () => Promise<number>) {
  const began = performance.now()
  const statuses: number[] = []
  while (![200, 201].includes(statuses.at(-1) as number)) statuses.push(await write())
  t.comment(`writes succeed again after ${Math.round(performance.now() - began)} ms: ${statuses.join()}`)
  return statuses
}

t.test('PostgreSQL: one fault replaces all connections', withPostgres, async (t) => {
  const { primary, standby } = await startPair(t)
  const address = await addressOf(t, primary.url)
  const dialect = dialectFor('postgres', address.url)
  const { app, fill, tokens: [valid, revoked], use, write } = await startApp(t, { dialect })

  await makeReadOnly(adminOf(t, 'postgres', primary))
  await sql`select pg_promote()`.execute(adminOf(t, 'postgres', standby))
  address.moveTo(standby.url)
  await fill()
  const statuses = await writeAgain(t, write)
  t.same(statuses, [503, 200])
  await app.vexaAdmin.tokens.revoke(revoked.id)
  const replies = await Promise.all(Array.from({ length: 4 * poolSize }, () => use(revoked.token)))
  t.same(new Set(replies), new Set([401]), 'no connection to the old server is left')
  t.equal(await use(valid.token), 200)
})

t.test('PostgreSQL: no new connection to a standby answers', withPostgres, async (t) => {
  const { primary, standby } = await startPair(t)
  const address = await addressOf(t, primary.url)
  const dialect = dialectFor('postgres', address.url)
  const { tokens: [{ token }], use, write } = await startApp(t, { dialect })
  address.moveTo(standby.url)
  await primary.crash()
  const replies = [await write()]
  for (let n = 0; n < 4 * poolSize; n++) replies.push(await use(token))
  t.same(new Set(replies), new Set([503]))
  await sql`select pg_promote()`.execute(adminOf(t, 'postgres', standby))
  await writeAgain(t, write)
  t.equal(await use(token), 200)
})

t.test('postgres-hosts.ts: finds the new primary among its hosts', withPostgres, async (t) => {
  const { primary, standby } = await startPair(t)
  // The standby comes first, so the app has to pass it over.
  const urls = `${standby.url},${primary.url}`
  const env = { POSTGRES_URLS: urls, ADMIN_API_KEY: adminKey, PORT: String(await freePort()) }
  const child = run(t, 'examples/postgres-hosts.ts', { env })
  await child.line(/Server listening/)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  let count = 0
  const write = async () => {
    const { status } = await send(agent, 'POST', `http://127.0.0.1:${env.PORT}/admin/users`, {
      'x-admin-api-key': adminKey
    }, { email: `${++count}@x` })
    return status
  }
  t.same(new Set(await Promise.all(Array.from({ length: 40 }, write))), new Set([201]), 'no connection to the standby')
  await primary.crash()
  t.equal(await write(), 503)
  await sql`select pg_promote()`.execute(adminOf(t, 'postgres', standby))
  await writeAgain(t, write)
  t.same(new Set(await Promise.all(Array.from({ length: 40 }, write))), new Set([201]))
})

t.test('PostgreSQL: no acknowledged write is lost when the primary is killed under load', withPostgres, async (t) => {
  await failOver(t, { rounds: 1, synchronous: true })
})

t.test('MariaDB: one fault replaces all connections to a server with read_only', withMariadb, async (t) => {
  const { address, app, old, promote, revoked, use, valid, write } = await startOnMariadb(t)
  await sql`set global read_only = 1`.execute(old)
  await promote()
  address.moveTo()
  t.same(await writeAgain(t, write), [503, 200])
  await app.vexaAdmin.tokens.revoke(revoked.id)
  const replies = await Promise.all(Array.from({ length: 4 * poolSize }, () => use(revoked.token)))
  t.same(new Set(replies), new Set([401]), 'no connection to the old server is left')
  t.equal(await use(valid.token), 200)
})

t.test('MariaDB: no read is old a second after read_only was set, even without a write', withMariadb, async (t) => {
  const { address, elsewhere, fill, old, promote, revoked, use, valid } = await startOnMariadb(t)
  await fill()
  await sql`set global read_only = 1`.execute(old)
  await promote()
  t.ok(await elsewhere.revokeToken(revoked.id.replace('token-', '')))
  await sleep(1000)
  t.same([await use(revoked.token), await use(valid.token)], [503, 503], 'the address is still the old one')
  address.moveTo()
  // The next new connection is checked only after a pause.
  await sleep(300)
  t.same([await use(revoked.token), await use(valid.token)], [401, 200])
})

/** Starts an app over a primary of MariaDB that has a replica. */
async function startOnMariadb (t: Test) {
  const { primary, replica } = await startReplicated(t)
  const asApp = (url: string) => url.replace('root@', 'app@').replace(/mysql$/, 'app')
  const address = await addressOf(t, primary.url)
  const { tokens: [valid, revoked], ...started } =
    await startApp(t, { dialect: dialectFor('mysql', asApp(address.url)) })
  const next = adminOf(t, 'mysql', replica)
  const elsewhere = new KyselyStorage({ dialect: dialectFor('mysql', asApp(replica.url)) })
  t.teardown(() => elsewhere.close())
  return {
    ...started,
    valid,
    revoked,
    /** A storage over the replica, as another process may have after the failover. */
    elsewhere,
    old: adminOf(t, 'mysql', primary),
    address: { moveTo: () => address.moveTo(replica.url) },
    async promote () {
      // The replica has received all changes when it has the last token.
      await until(async () => (await next.selectFrom('app.vexa_tokens').select('id').execute()).length === 2)
      await sql`stop slave`.execute(next)
      await sql`set global read_only = 0`.execute(next)
    }
  }
}
