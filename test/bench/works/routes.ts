import { join } from 'node:path'
import { modules } from '../contender.js'
import { asAdmin, httpTables, measureHttp, serve, stop, table, type Server, type Work } from '../measure.js'
import { seed } from '../seed.js'
import type { Bench } from '../run.js'

/**
 * Measures requests over HTTP from another process. Each contender has its own file, because writers wait for each
 * other.
 */
export async function routes ({ directory, ...size }: Bench) {
  const names = Object.keys(modules).filter((name) => !name.includes('PostgreSQL'))
  const servers: Record<string, Server> = {}
  const guarded: Record<string, Work> = {}
  for (const name of names) {
    const filename = join(directory, `${modules[name]}.db`)
    const tokens = await seed(filename, size.users)
    const server = servers[name] = await serve(name, filename)
    const header = name.startsWith('@fastify') ? 'authorization' : 'x-api-key'
    const scheme = name.startsWith('@fastify') ? 'Bearer ' : ''
    guarded[name] = {
      server,
      path: '/me',
      headers: (n) => ({ [header]: scheme + (server.token ?? tokens[n * 7919 % 4000]) })
    }
  }
  httpTables('A route behind a token', await measureHttp(guarded, size))

  const admin: Record<string, Omit<Work, 'server'>> = {
    'A list of 100 users': { path: '/admin/users?limit=100' },
    'A user with its tokens': { path: (n) => `/admin/users/user-${n % size.users + 1}` },
    'Creating a user': {
      method: 'POST',
      path: '/admin/users',
      body: (n) => ({ email: `new${n}@example.com`, name: 'New User' })
    },
    'Minting a token': { method: 'POST', path: (n) => `/admin/users/user-${n % size.users + 1}/tokens` }
  }
  for (const [title, work] of Object.entries(admin)) {
    const figures = await measureHttp(Object.fromEntries(['by hand', 'fastify-vexa-admin'].map((name) =>
      [name, { ...work, server: servers[name] as Server, headers: asAdmin }])), size)
    httpTables(title, figures)
    if (title === 'Creating a user') {
      table('While users are created at full speed', 'ms that the event loop is late (99th percentile)', figures.delay)
    }
  }
  for (const server of Object.values(servers)) await stop(server)
}
