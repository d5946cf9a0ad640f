import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import vexaAdmin, { type ImportIssue, type ImportLine, type VexaAdminOptions } from '../../../src/index.js'
import { emptyStorage } from '../../support/databases.js'
import { adminKey } from '../../support/helpers.js'
import { sample } from './sample.js'

interface StartOptions {
  options?: Partial<VexaAdminOptions>
  server?: FastifyServerOptions
  lines?: Iterable<ImportLine>
  /** Adds hooks or plugins before the plugin. */
  prepare?: (app: FastifyInstance) => unknown
}

/** Starts an app with the console and with users and tokens. Returns the app and the URL of the console. */
export async function startConsole (
  t: Test, { options = {}, server = {}, lines = sample(), prepare }: StartOptions = {}
): Promise<{ app: FastifyInstance, url: string }> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await prepare?.(app)
  await app.register(vexaAdmin, {
    ...options.authorize === undefined && { adminKeys: [{ name: 'ops', key: adminKey }] },
    storage: emptyStorage(t),
    console: true,
    audit: true,
    tokenStart: true,
    scopes: ['bot', 'read', 'a-scope-with-a-long-name'],
    ...options
  })
  const onIssue = ({ line, message }: ImportIssue) => { throw new Error(`line ${line}: ${message}`) }
  await app.vexaAdmin.import(lines, { actor: 'migration', onIssue })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, url: `${origin}/admin/console/` }
}
