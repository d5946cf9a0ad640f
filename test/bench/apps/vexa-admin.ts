import Fastify from 'fastify'
import vexaAdmin, { sqliteStorage, User, type VexaAdminOptions } from '../../../src/index.js'
import { adminKey, type Contender } from '../contender.js'

export default async function vexa (filename: string, options: VexaAdminOptions = {}): Promise<Contender> {
  const app = Fastify()
  await app.register(vexaAdmin, {
    adminKeys: adminKey,
    storage: options.storage ?? sqliteStorage({ filename }),
    ...options
  })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken(), schema: { response: { 200: User } } }, async (request) =>
    request.apiUser)
  return { app, check: (token) => app.vexaAdmin.tokens.verify({ token }) }
}
