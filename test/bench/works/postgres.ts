import { httpTables, measureHttp, serve, stop } from '../measure.js'
import { dropPostgres, seedPostgres } from '../seed.js'
import type { Bench } from '../run.js'

export async function postgres (size: Bench) {
  const connectionString = process.env.POSTGRES_URL || 'postgres://postgres@127.0.0.1:5432/postgres'
  const tokens = await seedPostgres(connectionString, size.users)
  try {
    // Only a thousand tokens, because the plugin alone writes the last use of each once a minute.
    const servers = await Promise.all(
      ['by hand, PostgreSQL', 'fastify-vexa-admin, PostgreSQL'].map((name) => serve(name, connectionString))
    )
    httpTables('A route behind a token, PostgreSQL', await measureHttp(Object.fromEntries(servers.map((server) =>
      [
        server.name,
        { server, path: '/me', headers: (n) => ({ 'x-api-key': tokens[n * 7919 % 1000] as string }) }
      ])), size))
    for (const server of servers) await stop(server)
  } finally {
    await dropPostgres(connectionString)
  }
}
