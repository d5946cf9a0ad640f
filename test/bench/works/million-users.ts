import { join } from 'node:path'
import { asAdmin, httpTables, measureChecks, measureHttp, serve, stop, table, usageOf } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

export async function millionUsers ({ directory, ...size }: Bench) {
  const filename = join(directory, 'million.db')
  const tokens = await seed(filename, size.million)
  const [users, threeEach, page] = [size.million, 3 * size.million, size.million / 100 * 0.9].map((n) =>
    n.toLocaleString('en'))
  const some = (n: number) => tokens[n * 7919 % tokens.length] as string
  const [byHand, server] = [await serve('by hand', filename), await serve('fastify-vexa-admin', filename)]

  // Reads most pages of the index.
  const checked = Array.from({ length: 100_000 }, (_, n) => some(n))
  table(
    `A token check in process, with ${threeEach} tokens`,
    'µs of CPU',
    await measureChecks([byHand, server], { tokens: checked }, size)
  )
  const headers = (n: number) => ({ 'x-api-key': some(n) })
  httpTables(`A route behind a token, with ${threeEach} tokens`, await measureHttp({
    'by hand': { server: byHand, path: '/me', headers },
    'fastify-vexa-admin': { server, path: '/me', headers }
  }, size))
  await stop(byHand)
  httpTables(`A page of 100 of ${users} users, as its Link says`, await measureHttp({
    'page 1': { server, path: '/admin/users?limit=100', headers: asAdmin },
    [`page ${page}`]: {
      server,
      path: `/admin/users?limit=100&after=user-${size.million * 0.9 - 100}`,
      headers: asAdmin
    }
  }, size))

  const resident: string[] = []
  let url: string | undefined = `${server.url}/admin/users?limit=1000`
  for (let page = 0; url !== undefined; page++) {
    const reply: Response = await fetch(url, { headers: asAdmin() })
    await reply.arrayBuffer()
    if (page % 100 === 0) resident.push((await usageOf(server)).resident.toFixed(0))
    const [, reference] = /<([^>]+)>; rel="next"/.exec(reply.headers.get('link') ?? '') ?? []
    url = reference && new URL(reference, reply.url).href
  }
  console.log(
    `### ${users} users listed to the end in pages of 1000\n\nResident memory every 100 pages, in MiB: ${resident.join(', ')}\n`
  )
  await stop(server)
}
