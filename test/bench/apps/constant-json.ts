import Fastify from 'fastify'
import { User } from '../../../src/index.js'
import { someone, type Contender } from '../contender.js'

export default async function constantJson (): Promise<Contender> {
  const app = Fastify()
  app.get('/me', { schema: { response: { 200: User } } }, async () => someone)
  return { app }
}
