import type { FastifyInstance } from 'fastify'
import type { User } from '../../src/index.js'

/**
 * An app over a database that `seed` created. It has the route /me, which requires a token, or /admin/users, or both.
 */
export interface Contender {
  app: FastifyInstance
  /** Checks a token in process. */
  check?: (token: string) => Promise<unknown>
  /** A token for /me that is not in the database. */
  token?: string
}

export const adminKey = 'an-admin-key-for-the-bench'
export const someone: User = {
  id: 'user-1',
  email: 'user@example.com',
  name: 'John Doe',
  max_concurrent_bots: 3,
  created_at: '2024-01-01T12:00:00.000Z'
}

/** Contenders by name. Each module is loaded alone, so that only it is measured. */
export const modules: Record<string, string> = {
  'by hand': 'by-hand',
  'fastify-vexa-admin': 'vexa-admin',
  'Kysely, the plain way': 'plain-kysely',
  'constant JSON': 'constant-json',
  '@fastify/bearer-auth, 1 key': 'bearer-auth',
  '@fastify/bearer-auth, 1000 keys': 'bearer-auth-1000',
  'better-auth, its defaults': 'better-auth',
  'better-auth, its fastest': 'better-auth-fastest',
  'fastify-vexa-admin, no cache': 'vexa-admin-uncached',
  'fastify-vexa-admin, ttl': 'vexa-admin-ttl',
  'by hand, PostgreSQL': 'postgres-by-hand',
  'fastify-vexa-admin, PostgreSQL': 'postgres-vexa-admin'
}

export async function load (name: string, where: string): Promise<Contender> {
  const { default: build } = await import(`./apps/${modules[name]}.js`)
  return await build(where)
}
