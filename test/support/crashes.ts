// Kills a server while eight clients write, and compares the stored data with the replies.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Test } from 'tap'
import { run, type Child } from './child.js'
import { backDoor } from './databases.js'
import { adminKey } from './helpers.js'
import { send } from './send.js'

/** Number of each kind of write that is acknowledged before each crash, times the load. */
const wanted = { created: 20, patched: 20, createdTokens: 40, rotated: 20, revoked: 10, deleted: 5 }
type Kind = keyof typeof wanted
type Change = [may: unknown[], to: unknown]

interface StoredUser { name: string, data: { name: string }, api_tokens: Array<{ name: string }> }

/** Returns a user and the names of its tokens in one line, or `absent` if there is no user. */
function describe (user: StoredUser | undefined): string {
  if (user === undefined) return 'absent'
  return [user.name, user.data.name, ...user.api_tokens.map(({ name }) => name).sort()].join(' ')
}

interface CrashOptions {
  rounds: number
  load?: number
  /** Starts a server on the storage at the place. The server prints its address. @default guarded-server.ts */
  serve?: () => Child
}

/** Kills a server at a place once a round, and checks that a new process has everything that was acknowledged. */
export async function crash (t: Test, place: string, {
  rounds, load = 1, serve = () => run(t, 'test/support/fixtures/guarded-server.ts', { args: [place] })
}: CrashOptions): Promise<void> {
  const { db } = backDoor(t, place)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  // The states that each may have: one if every change is acknowledged, two if the reply to a change is missing.
  const users = new Map<string, string[]>()
  const tokens = new Map<string, number[]>()
  const acknowledged: Record<Kind, number> = {
    created: 0,
    patched: 0,
    createdTokens: 0,
    rotated: 0,
    revoked: 0,
    deleted: 0
  }

  const start = async () => {
    const server = serve()
    const url = await server.line(/^http/)
    return {
      admin: (method: string, path: string, body?: object) => send(
        agent, method, `${url}/admin${path}`, { 'x-admin-api-key': adminKey }, body
      ),
      use: async (token: string) => (await send(agent, 'GET', `${url}/me`, { 'x-api-key': token })).status,
      kill: async () => {
        server.process.kill('SIGKILL')
        await server.exit
      }
    }
  }
  type Server = Awaited<ReturnType<typeof start>>

  const check = async ({ admin, use }: Server, round: number) => {
    const wrong: string[] = []
    for (const [id, may] of users) {
      const { status, body } = await admin('GET', `/users/${id}`)
      const is = status === 200 || status === 404
        ? describe(status === 200 ? body as never : undefined)
        : String(status)
      if (!may.includes(is)) wrong.push(`${id} is "${is}", not "${may.join('" or "')}"`)
    }
    for (const [token, may] of tokens) {
      const status = await use(token)
      if (!may.includes(status)) wrong.push(`the reply for a token is ${status}, not ${may.join(' or ')}`)
    }
    t.same(wrong, [], `after round ${round}, ${users.size} users and ${tokens.size} tokens are as acknowledged`)
    if (place.startsWith('sqlite:')) {
      t.same((await sql`pragma integrity_check`.execute(db)).rows, [{ integrity_check: 'ok' }])
      t.same((await sql`pragma foreign_key_check`.execute(db)).rows, [])
    }
  }

  const client = async ({ admin }: Server, name: string) => {
    const write = async (kind: Kind, method: string, path: string, body?: object) => {
      const { status, body: reply } = await admin(method, path, body)
      if (status >= 300) throw new Error(`${method} ${path} returns ${status}`)
      acknowledged[kind]++
      return reply as { id: string, token: string }
    }
    /** Sends a request that changes the states of users and tokens, each to a new one. */
    const change = async <Reply>(changes: Change[], request: () => Promise<Reply>) => {
      for (const [may, to] of changes) may.push(to)
      const reply = await request()
      for (const [may, to] of changes) may.splice(0, may.length, to)
      return reply
    }
    for (let i = 0; ; i++) {
      const { id } = await write('created', 'POST', '/users', {
        email: `${name}-${i}@x`,
        name: 'new',
        data: { name: 'new' }
      })
      const user = ['new new']
      users.set(id, user)
      const path = `/users/${id}`
      await change([[user, 'patched patched']], () => write('patched', 'PATCH', path, {
        name: 'patched',
        data: { name: 'patched' }
      }))
      const createToken = (name: string) => write('createdTokens', 'POST', `${path}/tokens`, { name })
      const first = await change([[user, 'patched patched first']], () => createToken('first'))
      const statusOfFirst = [200]
      tokens.set(first.token, statusOfFirst)
      const second = await change([[user, 'patched patched first second']], () => createToken('second'))
      const statusOfSecond = [200]
      tokens.set(second.token, statusOfSecond)

      // The successor has the name of the old token, so the line of the user stays the same.
      const rotate = () => write('rotated', 'POST', `/tokens/${first.id}/rotate`)
      const successor = await change([[statusOfFirst, 401]], rotate)
      const statusOfSuccessor = [200]
      tokens.set(successor.token, statusOfSuccessor)
      if (i % 2 === 0) {
        const changes: Change[] = [[user, 'patched patched first'], [statusOfSecond, 401]]
        await change(changes, () => write('revoked', 'DELETE', `/tokens/${second.id}`))
      }
      if (i % 4 === 1) {
        const changes: Change[] = [[user, 'absent'], [statusOfSecond, 401], [statusOfSuccessor, 401]]
        await change(changes, () => write('deleted', 'DELETE', path))
      }
    }
  }

  let server = await start()
  for (let round = 1; round <= rounds; round++) {
    const enough = (Object.entries(wanted) as Array<[Kind, number]>)
      .map(([kind, more]) => [kind, acknowledged[kind] + more * load] as const)
    const failures: Array<{ code?: string, message: string }> = []
    const clients = Array.from({ length: 8 }, (_, n) =>
      client(server, `${round}-${n}`).catch((error) => { failures.push(error) }))
    while (failures.length === 0 && enough.some(([kind, count]) => acknowledged[kind] < count)) await sleep(1)
    await server.kill()
    await Promise.all(clients)
    const unexpected = failures.filter(({ code = '' }) => !/^(ECONN(REFUSED|RESET)|EPIPE)$/.test(code))
    t.same(unexpected.map(({ message }) => message), [], 'the clients see no error but the crash')
    server = await start()
    await check(server, round)
  }
  t.comment(JSON.stringify(acknowledged))
  await server.kill()
}
