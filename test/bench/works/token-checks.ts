import { join } from 'node:path'
import { measureChecks, serve, stop, table, type Server } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

/** Measures the CPU of a check by direct call, in process. */
export async function tokenChecks ({ directory, ...size }: Bench) {
  const names = [
    'by hand', 'fastify-vexa-admin', 'fastify-vexa-admin, no cache', 'fastify-vexa-admin, ttl', 'Kysely, the plain way',
    'better-auth, its defaults', 'better-auth, its fastest'
  ]
  const filename = join(directory, 'checks.db')
  const seeded = await seed(filename, size.users)
  // The number of tokens in use.
  const tokens = Array.from({ length: 4000 }, (_, n) => seeded[n * 7919 % seeded.length] as string)
  const servers = await Promise.all(
    names.map((name) => serve(name, `${filename}${name.startsWith('better') ? name.length : ''}`))
  )
  const [byHand] = servers as [Server]

  table('A token check in process', 'µs of CPU', await measureChecks(servers, { tokens }, size))
  const { 'by hand': valid = [] } = await measureChecks([byHand], { tokens }, size)
  table('A refused, malformed token', 'µs of CPU', {
    'a token check by hand': valid,
    ...await measureChecks(servers.slice(0, 2), { tokens: ['vex_000000000000000000000000000000000000'] }, size)
  })
  table(
    '4,000 token checks at once',
    'µs of CPU for each',
    await measureChecks(servers.slice(0, 4), { tokens, atOnce: true }, size)
  )
  for (const server of servers) await stop(server)
}
