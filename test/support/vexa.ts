import type { Test } from 'tap'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { vexaCompatibility, type VexaCompatibilityOptions } from '../../src/vexa/index.js'
import { emptyPlace, emptyStorage, storageAt, type DatabaseName } from './databases.js'
import { adminKey } from './helpers.js'

export const vexaKeys = {
  adminKey: 'the-admin-key-of-vexa',
  analyticsKey: 'the-analytics-key-of-vexa',
  internalSecret: 'the-internal-secret-of-vexa'
}

/** The options that the first plugin needs. */
export const vexaSettings = {
  adminKeys: adminKey,
  prefix: '/api/admin',
  scopes: ['bot', 'tx', 'browser'],
  tokenPrefix: ['vxa_bot_', 'vxa_tx_', 'vxa_browser_']
}

/** Creates an app with both plugins, on an empty database unless `storage` is given. */
export async function buildVexa (
  t: Test, options: Partial<VexaCompatibilityOptions & { prefix: string }> = {},
  first: Partial<VexaAdminOptions> = {}, server: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(vexaAdmin, { ...vexaSettings, storage: first.storage ?? emptyStorage(t), ...first })
  await app.register(vexaCompatibility, { ...vexaKeys, ...options })
  return app
}

/** Creates two apps with both plugins over the same empty database. */
export function buildTwoVexa (t: Test, database: DatabaseName): Promise<[FastifyInstance, FastifyInstance]> {
  const place = emptyPlace(t, database)
  const build = () => buildVexa(t, {}, { storage: storageAt(place) })
  return Promise.all([build(), build()])
}

type Method = 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT'
type Body = NonNullable<InjectOptions['payload']>

/** Sends a request with the admin key of Vexa. */
export function callVexa (app: FastifyInstance, method: Method, url: string, payload?: Body) {
  return app.inject({ method, url, headers: { 'x-admin-api-key': vexaKeys.adminKey }, ...payload && { payload } })
}

/** Sends a request with the internal secret. */
export function callInternal (app: FastifyInstance, method: Method, url: string, payload?: Body) {
  const headers = { 'x-internal-secret': vexaKeys.internalSecret }
  return app.inject({ method, url, headers, ...payload && { payload } })
}

/** Sends a request with an API token. */
export function callUser (app: FastifyInstance, token: string, method: Method, url: string, payload?: Body) {
  return app.inject({ method, url, headers: { 'x-api-key': token }, ...payload && { payload } })
}

/** Creates a user with a token over Vexa's API. */
export async function createUser (app: FastifyInstance, email: string): Promise<{ id: number, token: string }> {
  const { id } = (await callVexa(app, 'POST', '/admin/users', { email })).json()
  const { token } = (await callVexa(app, 'POST', `/admin/users/${id}/tokens?scopes=bot,tx`)).json()
  return { id, token }
}
