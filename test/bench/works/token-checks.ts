import { join } from 'node:path'
import { load } from '../contender.js'
import { measureCpu, table } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

/** In process, by direct call: CPU for each. */
export async function tokenChecks ({ directory, rounds }: Bench) {
  const mine = ['by hand', 'fastify-vexa-admin', 'fastify-vexa-admin, tokenCacheTtl', 'Kysely, the plain way']
  const filename = join(directory, 'checks.db')
  const tokens = await seed(filename, 10_000)
  const contenders = await Promise.all([...mine, 'better-auth, its defaults', 'better-auth, its fastest'].map(async (name) =>
    [name, await load(name, `${filename}${name.startsWith('better') ? name.length : ''}`)] as const))
  for (const [, { app }] of contenders) await app.ready()
  const checks = (only: number, token: (n: number) => string) => Object.fromEntries(contenders.slice(0, only).map(([name, contender]) =>
    [name, (n: number) => contender.check?.(contender.token ?? token(n)) as Promise<unknown>]))
  // So many are in use.
  const some = (n: number) => tokens[n * 7919 % 4000] as string

  table('A token check in process', 'µs of CPU', await measureCpu(checks(6, some), { rounds }))
  table('A refused, malformed token', 'µs of CPU', {
    ...await measureCpu({ 'a token check by hand': checks(1, some)['by hand'] as () => Promise<unknown> }, { rounds }),
    ...await measureCpu(checks(2, () => 'vex_000000000000000000000000000000000000'), { rounds })
  })
  const atOnce = Object.fromEntries(Object.entries(checks(3, some)).map(([name, check]) =>
    [name, (n: number) => Promise.all(Array.from({ length: 4000 }, (_, i) => check(n * 4000 + i)))]))
  table('4,000 token checks at once', 'µs of CPU for all', await measureCpu(atOnce, { rounds, batch: 1 }))
  for (const [, { app }] of contenders) await app.close()
}
