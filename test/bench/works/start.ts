import { join } from 'node:path'
import { serve, stop, table } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

export async function start ({ directory, ...size }: Bench) {
  const filename = join(directory, 'start.db')
  await seed(filename, size.users)
  const ready: Record<string, number[]> = { 'by hand': [], 'fastify-vexa-admin': [] }
  for (let round = -1; round < 2 * size.rounds; round++) {
    for (const [name, values] of Object.entries(ready)) {
      const server = await serve(name, filename)
      // The first round reads the files from the disk.
      if (round >= 0) values.push(server.ready)
      await stop(server)
    }
  }
  table('From the first import until ready to listen, on a database that is there', 'ms', ready)
}
