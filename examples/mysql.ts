// An app that keeps users and tokens in MySQL or MariaDB. Apps on any number of machines may share the database.
// The app reads MYSQL_URL, ADMIN_API_KEY and PORT from the environment.
import Fastify from 'fastify'
import vexaAdmin, { KyselyStorage } from 'fastify-vexa-admin'
import { MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'

const { ADMIN_API_KEY, MYSQL_URL, PORT } = process.env
const app = Fastify({ logger: true, keepAliveTimeout: 5000 })

const pool = createPool({ uri: MYSQL_URL, connectionLimit: 20, connectTimeout: 3000 })

await app.register(vexaAdmin, {
  adminKeys: ADMIN_API_KEY,
  storage: new KyselyStorage({ dialect: new MysqlDialect({ pool }) })
})

app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
await app.listen({ port: Number(PORT || 3000) })
