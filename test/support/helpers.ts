import type { Test } from 'tap'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import vexaAdmin, { type VexaAdminOptions } from '../../src/index.js'
import { emptyStorage } from './databases.js'

export const adminKey = 'an-admin-key-for-the-tests'

/** Creates an app with the plugin, on an empty database unless `storage` is given. The end of the test closes it. */
export async function build (
  t: Test, options: Partial<VexaAdminOptions> = {}, server: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(vexaAdmin, {
    ...(options.authorize ? {} : { adminKeys: adminKey }),
    ...options,
    storage: options.storage ?? emptyStorage(t)
  })
  return app
}

type Method = 'DELETE' | 'GET' | 'HEAD' | 'OPTIONS' | 'PATCH' | 'POST' | 'PUT'

/** Sends a request with the admin key. */
export function call (app: FastifyInstance, method: Method, url: string, options: InjectOptions = {}) {
  return app.inject({ ...options, method, url, headers: { 'x-admin-api-key': adminKey, ...options.headers } })
}

/** Resolves a reference in the reply to a request for `url`, and returns its path and query. */
export function resolve (url: string, reference: unknown): string {
  const { pathname, search } = new URL(String(reference), `http://app.example${url}`)
  return pathname + search
}

/** Returns the path and query of the next page, from the `Link` of the reply for `url`, or `undefined`. */
export function nextOf (url: string, link: unknown): string | undefined {
  const [, reference] = /^<(\?[^>]*)>; rel="next"$/.exec(String(link)) ?? []
  return reference === undefined ? undefined : resolve(url, reference)
}
