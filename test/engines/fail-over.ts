// Fails over from a primary of PostgreSQL to its standby while clients write, and compares the data with the replies.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import type { Test } from 'tap'
import { addressOf } from '../support/address.js'
import { run } from '../support/child.js'
import { adminKey } from '../support/helpers.js'
import { send } from '../support/send.js'
import { adminOf, makeReadOnly, startPair, startStandby, until } from './clusters.js'

interface FailoverOptions {
  rounds: number
  /** Whether the primary acknowledges a write only after the standby has it. */
  synchronous: boolean
  /** Whether the old primary becomes read-only and keeps its connections. Otherwise it is killed. */
  demote?: boolean
}

// Clients of each kind. Together they are more than the connections of the pool.
const clientCounts = { use: 6, useRevoked: 3, create: 3, revoke: 3 }

/**
 * Checks that an app accepts no revoked token and rejects no valid token while the primary fails. With a synchronous
 * standby, also checks that no acknowledged write is lost.
 */
export async function failOver (t: Test, { rounds, synchronous, demote = false }: FailoverOptions): Promise<void> {
  let { primary, standby } = await startPair(t)
  await replicate(adminOf(t, 'postgres', primary), synchronous)
  const address = await addressOf(t, primary.url)
  const app = run(t, 'test/support/fixtures/guarded-server.ts', {
    args: ['postgres:vexa_'], env: { POSTGRES_URL: address.url }
  })
  const url = await app.line(/^http/)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const admin = (method: string, path: string, body?: object) =>
    send(agent, method, `${url}/admin${path}`, { 'x-admin-api-key': adminKey }, body)
  const use = async (token: string) => (await send(agent, 'GET', `${url}/me`, { 'x-api-key': token })).status

  /** The ids of acknowledged users, and the values of tokens that were created or revoked. */
  const users = new Set<string>()
  const tokens = { valid: [] as string[], revoked: [] as string[] }
  const counts: Record<string, number> = {}
  const wrong: string[] = []
  /** The time of the promotion, of the last 503, and of the first success of each kind of request since then. */
  const times = { promotion: Infinity, lastFailure: 0, successes: new Map<string, number>() }
  const stopping = new AbortController()

  const note = (kind: string, status: number, expected: number) => {
    counts[`${kind} ${status}`] = (counts[`${kind} ${status}`] ?? 0) + 1
    const now = performance.now()
    if (status === 503) times.lastFailure = now
    else if (status !== expected) wrong.push(`${kind} ${status}`)
    else if (now > times.promotion && !times.successes.has(kind)) times.successes.set(kind, now)
    return status === expected
  }
  const pick = (values: readonly string[]) => values[Math.floor(Math.random() * values.length)] as string
  const first = await admin('POST', '/users', { email: 'first@x' })
  const owner = (first.body as { id: string }).id
  const createToken = () => admin('POST', `/users/${owner}/tokens`)
  for (const list of [tokens.valid, tokens.revoked]) {
    const { id, token } = (await createToken()).body as { id: string, token: string }
    list.push(token)
    if (list === tokens.revoked) await admin('DELETE', `/tokens/${id}`)
  }

  const work: Record<keyof typeof clientCounts, (name: string) => Promise<void>> = {
    use: async () => { note('use', await use(pick(tokens.valid)), 200) },
    useRevoked: async () => { note('use revoked', await use(pick(tokens.revoked)), 401) },
    create: async (name) => {
      const { status, body } = await admin('POST', '/users', { email: `${name}@x` })
      if (note('create', status, 201)) users.add((body as { id: string }).id)
    },
    revoke: async () => {
      const { status, body } = await createToken()
      if (!note('create token', status, 201)) return
      const { id, token } = body as { id: string, token: string }
      // An asynchronous standby may lack the latest changes, so its clients use only the first tokens.
      if (Math.random() < 0.2) {
        if (synchronous) tokens.valid.push(token)
      } else if (note('revoke', (await admin('DELETE', `/tokens/${id}`)).status, 204) && synchronous) {
        tokens.revoked.push(token)
      }
    }
  }
  const clients = Promise.all((Object.keys(work) as Array<keyof typeof work>).flatMap((kind) =>
    Array.from({ length: clientCounts[kind] }, async (_, client) => {
      for (let n = 0; !stopping.signal.aborted; n++) {
        await work[kind](`${kind}-${client}-${n}`)
        await sleep(1)
      }
    })))

  const kinds = ['use', 'use revoked', 'create', 'create token', 'revoke']
  for (let round = 1; round <= rounds; round++) {
    const before = users.size
    while (users.size < before + 50) await sleep(5)
    if (demote) await makeReadOnly(adminOf(t, 'postgres', primary))
    else await primary.kill()
    // Writes that the primary has already begun end during this time.
    await sleep(300)
    const acknowledged = { users: [...users], valid: tokens.valid.slice(-200), revoked: tokens.revoked.slice(-200) }
    const db = adminOf(t, 'postgres', standby)
    await sql`select pg_promote()`.execute(db)
    Object.assign(times, { promotion: performance.now(), lastFailure: 0, successes: new Map() })
    address.moveTo(standby.url)

    while (!kinds.every((kind) => times.successes.has(kind))) await sleep(2)
    await sleep(1000)
    const since = (time: number) => Math.round(Math.max(0, time - times.promotion))
    const recovery = since(Math.max(...times.successes.values()))
    t.comment(`round ${round}: all requests succeed again ${recovery} ms after the promotion, ` +
      `and the last 503 comes after ${since(times.lastFailure)} ms`)
    t.ok(recovery < 5000, 'requests succeed again')

    const rows = await db.selectFrom('vexa_users').select('id').execute()
    const stored = new Set(rows.map(({ id }) => `user-${id}`))
    const lost = acknowledged.users.filter((id) => !stored.has(id))
    for (const id of lost) users.delete(id)
    if (synchronous) t.same(lost, [], `all ${acknowledged.users.length} acknowledged users are there`)
    else t.comment(`${lost.length} of ${acknowledged.users.length} acknowledged users are lost`)
    for (const [values, status] of [[acknowledged.valid, 200], [acknowledged.revoked, 401]] as const) {
      const replies = new Set(await Promise.all(values.map(use)))
      t.same(replies, new Set([status]), `${values.length} tokens`)
    }

    await primary.crash()
    primary = standby
    if (round < rounds) {
      standby = await startStandby(t, primary)
      await replicate(adminOf(t, 'postgres', primary), synchronous)
    }
  }
  stopping.abort()
  await clients
  t.same(wrong, [], 'no reply is wrong')
  t.equal(app.process.exitCode, null, 'the app lives')
  t.comment(JSON.stringify(counts))
}

/** Waits until a standby receives the changes of its primary. */
async function replicate (db: Kysely<any>, synchronous: boolean): Promise<void> {
  if (synchronous) {
    await sql`alter system set synchronous_standby_names = '*'`.execute(db)
    await sql`select pg_reload_conf()`.execute(db)
  }
  await until(async () => {
    const { rows } = await sql<{ sync_state: string }>`select sync_state from pg_stat_replication
      where state = 'streaming'`.execute(db)
    return rows[0]?.sync_state === (synchronous ? 'sync' : 'async')
  })
}
