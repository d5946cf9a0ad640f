import { join } from 'node:path'
import { asAdmin, httpTables, measureChecks, measureHttp, serve, stop, table, usageOf } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

export async function millionUsers ({ directory, rounds }: Bench) {
  const filename = join(directory, 'million.db')
  const tokens = await seed(filename, 1_000_000)
  const some = (n: number) => tokens[n * 7919 % tokens.length] as string
  const [byHand, server] = [await serve('by hand', filename), await serve('fastify-vexa-admin', filename)]

  // Enough for most pages of the index.
  const checked = Array.from({ length: 100_000 }, (_, n) => some(n))
  table('A token check in process, with 3,000,000 tokens', 'µs of CPU', await measureChecks([byHand, server], { tokens: checked }, { rounds }))
  const headers = (n: number) => ({ 'x-api-key': some(n) })
  httpTables('A route behind a token, with 3,000,000 tokens', await measureHttp({
    'by hand': { server: byHand, path: '/me', headers },
    'fastify-vexa-admin': { server, path: '/me', headers }
  }, { rounds }))
  await stop(byHand)
  httpTables('A page of 100 of 1,000,000 users, as its Link says', await measureHttp({
    'page 1': { server, path: '/admin/users?limit=100', headers: asAdmin },
    'page 9,000': { server, path: '/admin/users?limit=100&after=user-899900', headers: asAdmin }
  }, { rounds }))

  const resident: string[] = []
  let url: string | undefined = `${server.url}/admin/users?limit=1000`
  for (let page = 0; url !== undefined; page++) {
    const reply: Response = await fetch(url, { headers: asAdmin() })
    await reply.arrayBuffer()
    if (page % 100 === 0) resident.push((await usageOf(server)).resident.toFixed(0))
    const [, reference] = /<([^>]+)>; rel="next"/.exec(reply.headers.get('link') ?? '') ?? []
    url = reference && new URL(reference, reply.url).href
  }
  console.log(`### 1,000,000 users listed to the end in pages of 1000\n\nResident memory every 100 pages, in MiB: ${resident.join(', ')}\n`)
  await stop(server)
}
