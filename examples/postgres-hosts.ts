// An app with PostgreSQL on several hosts, one of which is the primary. New connections lead to the primary, also after
// a failover. Reads POSTGRES_URLS (with commas), ADMIN_API_KEY and PORT from the environment.
import Fastify from 'fastify'
import vexaAdmin, { KyselyStorage, withPreparedStatements } from 'fastify-vexa-admin'
import { PostgresDialect } from 'kysely'
import { Client, Pool } from 'pg'

const { ADMIN_API_KEY, PORT, POSTGRES_URLS = '' } = process.env
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

const urls = POSTGRES_URLS.split(',')

/** Resolves with the host and port of a server that can be written. Rejects for a standby. */
async function findPrimary (connectionString: string): Promise<Pick<Client, 'host' | 'port'>> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 1000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows: [{ transaction_read_only: readOnly }] } = await client.query('show transaction_read_only')
    if (readOnly === 'on') throw new Error(`${client.host} is a standby`)
    return { host: client.host, port: client.port }
  } finally {
    client.end().catch(() => {})
  }
}

/** Asks all hosts at once, and connects to the primary. */
class PrimaryClient extends Client {
  // The pool passes a callback.
  override connect (callback?: any): any {
    Promise.any(urls.map(findPrimary)).then((primary) => {
      Object.assign(this, primary)
      super.connect(callback)
    }, callback)
  }
}

const pool = new Pool({
  connectionString: urls[0],
  Client: withPreparedStatements(PrimaryClient),
  max: 20,
  connectionTimeoutMillis: 3000
})
pool.on('error', (error) => app.log.warn(`PostgreSQL: ${error.message}`))
pool.on('connect', (client) => { client.on('error', () => {}) })

await app.register(vexaAdmin, {
  adminKeys: ADMIN_API_KEY,
  storage: new KyselyStorage({ dialect: new PostgresDialect({ pool }) })
})

app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
