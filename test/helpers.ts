import { hash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import type { Test } from 'tap'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import vexaAdmin, { type VexaAdminOptions } from '../src/index.js'
import { emptyStorage } from './databases.js'

export const adminKey = 'an-admin-key-for-the-tests'

/** Where `npm run test:log` has the apps of the tests keep their logs. */
const searchedLog = process.env.SEARCHED_LOG

/** An app with the plugin and nothing else, on a database of its own, closed with the test. */
export async function build (t: Test, options: Partial<VexaAdminOptions> = {}, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(searchedLog === undefined ? server : { logger: { level: 'trace', file: `${searchedLog}/${process.pid}.log` }, ...server })
  t.teardown(() => app.close())
  await app.register(vexaAdmin, {
    ...(options.authorize ? {} : { adminKeys: adminKey }),
    ...options,
    storage: options.storage ?? emptyStorage(t)
  })
  if (searchedLog !== undefined) noteSecrets(searchedLog, app, options.adminKeys)
  return app
}

/** Writes down what the log must not hold: see test/security/search-log.ts. */
function noteSecrets (directory: string, { vexaAdmin: { tokens } }: FastifyInstance, keys: VexaAdminOptions['adminKeys'] = adminKey) {
  const note = (...secrets: string[]) => appendFileSync(`${directory}/${process.pid}.secrets`, secrets.map((secret) => `${secret}\n`).join(''))
  note(...[keys].flat())
  for (const name of ['create', 'rotate'] as const) {
    const original = tokens[name]
    // The routes call the same object.
    tokens[name] = async (...parameters: [string, object?]) => {
      const token = await original(...parameters)
      const digest = hash('sha256', token.token, 'buffer')
      note(token.token, digest.toString('hex'), digest.toString('base64'), digest.toString('base64url'))
      return token
    }
  }
}

/** A request with the admin key. */
export function call (app: FastifyInstance, method: 'DELETE' | 'GET' | 'HEAD' | 'OPTIONS' | 'PATCH' | 'POST', url: string, options: InjectOptions = {}) {
  return app.inject({ ...options, method, url, headers: { 'x-admin-api-key': adminKey, ...options.headers } })
}
