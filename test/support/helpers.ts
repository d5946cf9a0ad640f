import type { Test } from 'tap'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from './databases.js'

export const adminKey = 'an-admin-key-for-the-tests'

/** An app with the plugin and nothing else, on a database of its own, closed with the test. */
export async function build (t: Test, options: Partial<VexaAdminOptions> = {}, server: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(vexaAdmin, {
    ...(options.authorize ? {} : { adminKeys: adminKey }),
    ...options,
    storage: options.storage ?? emptyStorage(t)
  })
  return app
}

/** A request with the admin key. */
export function call (app: FastifyInstance, method: 'DELETE' | 'GET' | 'HEAD' | 'OPTIONS' | 'PATCH' | 'POST', url: string, options: InjectOptions = {}) {
  return app.inject({ ...options, method, url, headers: { 'x-admin-api-key': adminKey, ...options.headers } })
}

/** Returns where a reference in the reply to a request for `url` leads: a path and query. */
export function resolve (url: string, reference: unknown): string {
  const { pathname, search } = new URL(String(reference), `http://app.example${url}`)
  return pathname + search
}

/** Returns where the `Link` of the reply to a request for `url` leads, if it has one. */
export function nextOf (url: string, link: unknown): string | undefined {
  const [, reference] = /^<(\?[^>]*)>; rel="next"$/.exec(String(link)) ?? []
  return reference === undefined ? undefined : resolve(url, reference)
}
