import { hash } from 'node:crypto'
import Fastify from 'fastify'
import { User } from '../../../src/index.js'
import { someone, type Contender } from '../contender.js'
import { peer } from '../peer.js'

export default async function bearerAuth (_where: string, count = 1): Promise<Contender> {
  const keys = Array.from({ length: count }, (_, i) => hash('sha256', String(i)))
  const app = Fastify()
  await app.register((await peer('@fastify/bearer-auth')).default, { keys: new Set(keys) })
  app.get('/me', { schema: { response: { 200: User } } }, async () => someone)
  return { app, token: keys[count >> 1] as string }
}
