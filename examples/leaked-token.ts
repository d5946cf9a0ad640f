// Shows the user of a leaked token, and revokes the token. The search does not change the last use of the token:
//   ADMIN_API_KEY=the-key npx tsx examples/leaked-token.ts token-123            with an id from a log
//   ADMIN_API_KEY=the-key npx tsx examples/leaked-token.ts < file-with-value    with a value, which must not be logged
import { text } from 'node:stream/consumers'
import type { FoundToken, Token, Verification } from 'fastify-vexa-admin'

const { ADMIN_API_URL = 'http://127.0.0.1:3000/admin', ADMIN_API_KEY = '' } = process.env

async function call<T> (method: string, path: string, body?: object): Promise<T> {
  const reply = await fetch(ADMIN_API_URL + path, {
    method,
    headers: { 'x-admin-api-key': ADMIN_API_KEY, ...body && { 'content-type': 'application/json' } },
    ...body && { body: JSON.stringify(body) }
  })
  const json = reply.status === 204 ? undefined : await reply.json()
  if (!reply.ok) throw new Error((json as { message: string }).message)
  return json as T
}

function show ({ id, name = 'no name', last_used_at: used = 'never' }: Token, user: FoundToken['user']) {
  console.log(`${id} (${name}) of ${user.id} (${user.email}). Last use: ${used}`)
}

/** Shows the tokens whose values begin like `value`. The verification of an expired or disabled token names no user. */
async function showSimilar (value: string, code: string) {
  // After the prefix, a value has 36 characters. With the option `tokenStart`, the app stores the prefix and the first
  // 4.
  const start = encodeURIComponent(value.slice(0, -32))
  const similar = await call<FoundToken[]>('GET', `/tokens?start=${start}`)
  console.log(`The token is rejected already (${code}). The same first characters: ${similar.length || 'none stored'}`)
  for (const each of similar) show(each, each.user)
}

try {
  const [id] = process.argv.slice(2)
  if (id !== undefined) {
    const found = await call<FoundToken>('GET', `/tokens/${encodeURIComponent(id)}`)
    show(found, found.user)
    await call('DELETE', `/tokens/${found.id}`)
  } else {
    const token = (await text(process.stdin)).trim()
    const found = await call<Verification>('POST', '/tokens/verify', { token, touch: false })
    if (found.valid) show(found.token, found.user)
    else if (found.code === 'NOT_FOUND') throw new Error('No token has this value')
    else await showSimilar(token, found.code)
    // This call also revokes a token that is disabled or has expired. The event `token:revoked` has the ids of the
    // token and its user.
    await call('POST', '/revoke', { token })
  }
  console.log('Revoked')
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
