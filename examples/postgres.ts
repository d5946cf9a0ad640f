// An app that keeps users and tokens in PostgreSQL. Apps on any number of machines may share the database.
// The app reads POSTGRES_URL, ADMIN_API_KEY and PORT from the environment.
import Fastify from 'fastify'
import vexaAdmin, { KyselyStorage, withPreparedStatements } from 'fastify-vexa-admin'
import { PostgresDialect } from 'kysely'
import { Client, Pool } from 'pg'

const { ADMIN_API_KEY, PORT, POSTGRES_URL } = process.env
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

const pool = new Pool({
  connectionString: POSTGRES_URL,
  Client: withPreparedStatements(Client),
  max: 20,
  connectionTimeoutMillis: 3000,
  keepAlive: true
})
// Without these listeners, a broken connection would end the process. The pool emits the error of an idle connection.
// The client emits the error of a connection that is in use.
pool.on('error', (error) => app.log.warn(`PostgreSQL: ${error.message}`))
pool.on('connect', (client) => { client.on('error', () => {}) })

await app.register(vexaAdmin, {
  adminKeys: ADMIN_API_KEY,
  storage: new KyselyStorage({ dialect: new PostgresDialect({ pool }) })
})

app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
