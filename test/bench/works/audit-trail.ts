import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { KyselyStorage, sqliteStorage, withPreparedStatements } from '../../../src/index.js'
import type { NewAuditRecord } from '../../../src/storage/storage-adapter.js'
import { table } from '../measure.js'
import { dropPostgres } from '../seed.js'
import type { Bench } from '../run.js'

const at = '2024-01-01T12:00:00.000Z'
const entry: NewAuditRecord = { at, action: 'user.created', actor: 'ops', request_id: 'req-7', changed: null }
const contenders = { 'without the audit trail': undefined, 'with the audit trail': entry }

/** Measures the creation of users in process, with and without the audit trail, in alternating rounds. */
export async function auditTrail ({ directory, rounds, seconds }: Bench) {
  const connectionString = process.env.POSTGRES_URL || 'postgres://postgres@127.0.0.1:5432/postgres'
  await dropPostgres(connectionString)
  const pool = new pg.Pool({ connectionString, Client: withPreparedStatements(pg.Client) })
  const dialect = new PostgresDialect({ pool })
  const db = new Kysely<object>({ dialect })
  const storages = {
    SQLite: sqliteStorage({ filename: join(directory, 'audit.db') }),
    PostgreSQL: new KyselyStorage({ db, tablePrefix: 'bench_' })
  }
  try {
    for (const [name, storage] of Object.entries(storages)) {
      await storage.open()
      for (const atOnce of [1, 10]) {
        const title = `Creating a user, ${name}, ${atOnce === 1 ? 'one after the other' : `${atOnce} at once`}`
        table(title, 'µs', await measure(storage, atOnce, { rounds, seconds: seconds / 3 }))
      }
    }
  } finally {
    await db.destroy()
    await storages.SQLite.close()
    await dropPostgres(connectionString)
  }
}

/** Returns the microseconds for each user that `atOnce` callers create, each of them one after the other. */
async function measure (
  storage: KyselyStorage, atOnce: number, { rounds, seconds }: { rounds: number, seconds: number }
): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    const works = Object.entries(contenders)
    for (const [name, entry] of round % 2 === 0 ? works : works.toReversed()) {
      const start = performance.now()
      let count = 0
      const create = async () => {
        while (performance.now() < start + seconds * 1000) {
          const email = `${round} ${atOnce} ${name} ${count++}@x`
          await storage.createUser({ email, name: null, max_concurrent_bots: 3, data: null, created_at: at }, entry)
        }
      }
      await Promise.all(Array.from({ length: atOnce }, create))
      // The first round warms up.
      if (round >= 0) figures[name]?.push((performance.now() - start) * 1000 / count)
    }
  }
  return figures
}
