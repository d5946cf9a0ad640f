// Replays requests to which real servers of Vexa have replied.
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { root } from '../support/child.js'
import { buildVexa, vexaKeys } from '../support/vexa.js'

type Reply = [status: number, body: unknown]
type Version = '0.10.7' | '0.12'

type Exchange = {
  name: string
  method: string
  /** `<user>`, `<token>` and `<token-id>` stand for values of earlier replies. */
  path: string
  /** The credential, and the header by its kind. */
  key?: 'admin' | 'analytics' | 'internal' | 'token' | 'wrong'
  type?: string
  /** A text is sent as it is. */
  body?: unknown
} & Record<Version, Reply>

const exchanges: Exchange[] = JSON.parse(readFileSync(`${root}test/vexa/exchanges.json`, 'utf8'))

// Replies that are better on purpose, each with its reason.
const better: Record<'union' | '0.12', Record<string, string>> = {
  union: {
    'create upper': 'addresses that differ only in case are the address of one user'
  },
  0.12: {
    'create upper': 'addresses that differ only in case are the address of one user',
    'create bad email': 'an address must be one'
  }
}

const headers = {
  admin: { 'x-admin-api-key': vexaKeys.adminKey },
  analytics: { 'x-admin-api-key': vexaKeys.analyticsKey },
  internal: { 'x-internal-secret': vexaKeys.internalSecret },
  wrong: { 'x-admin-api-key': 'wrong' }
}

/** Sends each request over a real socket, and returns the replies by the names of the exchanges. */
async function replay (t: Test, shape: 'union' | '0.12'): Promise<Map<string, Reply>> {
  const app = await buildVexa(t, { shape })
  const address = await app.listen({ port: 0 })
  const replies = new Map<string, Reply>()
  const earlier = (name: string) => Object(replies.get(name)?.[1]) as { id: number, token: string }
  for (const { name, method, path, key, type, body } of exchanges) {
    const user = earlier('create')
    const created = earlier('token: ?scopes&name&expires_in')
    const fill = (text: string) => text.replace('<user>', String(user.id))
      .replace('<token-id>', String(created.id)).replace('<token>', created.token)
    const payload = body === undefined ? undefined : fill(typeof body === 'string' ? body : JSON.stringify(body))
    const credential = key === 'token' ? { 'x-api-key': created.token } : key && headers[key]
    const reply = await fetch(address + fill(path), {
      method,
      headers: { ...credential, ...type !== undefined && { 'content-type': type } },
      ...payload !== undefined && { body: payload }
    })
    const text = await reply.text()
    replies.set(name, [reply.status, text === '' ? '' : JSON.parse(text)])
  }
  return replies
}

// These members may be null. The sequence of replies differs, because fewer users exist.
const nullable = /\/(name|image_url|last_used_at|expires_at)$/

// The shape `union` adds these members of 0.10 to the users and tokens of 0.12.
const additions = { union: ['image_url', 'created_at', 'api_tokens'], 0.12: [] as string[] }

/**
 * Returns the place of the first difference in members and types, or `undefined`. Texts of errors must be equal. The
 * members of `data` must be equal, too, but ours may have more of them.
 */
function difference (ours: unknown, theirs: unknown, added: string[], place = ''): string | undefined {
  if (/\/data\/\w+$/.test(place)) return theirs === undefined || isDeepStrictEqual(ours, theirs) ? undefined : place
  if (nullable.test(place) && [ours, theirs].includes(null) && ![ours, theirs].includes(undefined)) return undefined
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length === 0 || theirs.length === 0) return ours.length === theirs.length ? undefined : place
    const found = ours.map((item) => theirs.map((other) => difference(item, other, added, `${place}/*`)))
    return found.find((differences) => !differences.includes(undefined))?.[0]
  }
  const kind = (value: unknown) => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  if (kind(ours) !== kind(theirs)) return `${place}: ${kind(ours)}, not ${kind(theirs)}`
  if (kind(ours) !== 'object') return /\/(detail|type|loc)$/.test(place) && ours !== theirs ? place : undefined
  const [mine, other] = [ours, theirs] as [Record<string, unknown>, Record<string, unknown>]
  const names = [...new Set([...Object.keys(mine), ...Object.keys(other)])]
  return names.filter((name) => name in other || !added.includes(name))
    .map((name) => difference(mine[name], other[name], added, `${place}/${name}`)).find(Boolean)
}

/** Returns how a reply differs from that of a version. */
function compare (
  [status, body]: Reply, exchange: Exchange, version: Version, added: string[]
): string | undefined {
  const [theirStatus, theirBody] = exchange[version]
  return status === theirStatus ? difference(body, theirBody, added) : `status ${status}, not ${theirStatus}`
}

for (const [shape, versions] of [['union', ['0.10.7', '0.12']], ['0.12', ['0.12']]] as const) {
  t.test(`exchanges: the shape ${shape} agrees with the replies of Vexa`, async (t) => {
    const replies = await replay(t, shape)
    t.equal(replies.size, 63)
    const differing: string[] = []
    for (const exchange of exchanges) {
      const reply = replies.get(exchange.name) as Reply
      const differences = versions.map((version) => compare(reply, exchange, version, additions[shape]))
      if (differences.includes(undefined)) continue
      differing.push(exchange.name)
      if (!(exchange.name in better[shape])) t.fail(`${exchange.name}: ${differences.join('; ')}`, { reply })
    }
    t.same(differing, Object.keys(better[shape]))
    t.ok(differing.length <= 6)
  })
}
