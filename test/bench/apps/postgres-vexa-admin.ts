import { PostgresDialect } from 'kysely'
import pg from 'pg'
import { KyselyStorage, withPreparedStatements } from '../../../src/index.js'
import vexa from './vexa-admin.js'

export default async function postgresVexa (connectionString: string) {
  const pool = new pg.Pool({ connectionString, max: 10, Client: withPreparedStatements(pg.Client) })
  return vexa('', { storage: new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: 'bench_' }) })
}
