// Drivers of PostgreSQL that `open` rejects.
import { createHash, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { Kysely, PostgresDialect } from 'kysely'
import type Pg from 'pg'
import t from 'tap'
import { KyselyStorage } from '../../src/index.js'
import { backDoor, emptyPlace, postgresUrl, unavailable } from '../support/databases.js'

const skip = await unavailable('postgres')

// pg finds pg-native only in the folder that has it.
const { native }: typeof Pg = createRequire(`${import.meta.dirname}/package.json`)('pg')

t.test('pg.native: open rejects because the client cuts bytes', { skip }, async (t) => {
  if (native === null) throw new Error('pg-native is not installed')
  const pool = new native.Pool({ connectionString: postgresUrl })
  const place = emptyPlace(t, 'postgres')
  const { db, prefix } = backDoor(t, place)
  const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: prefix })
  await t.rejects(storage.open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: /the driver changes bytes: with pg, use its own client, not pg\.native/
  })
  await t.rejects(db.selectFrom(`${prefix}users`).selectAll().execute(), { code: '42P01' }, 'no table was created')
  await storage.close()

  await t.test('pg.native: the client still cuts bytes', async (t) => {
    const db = new Kysely<any>({
      dialect: new PostgresDialect({ pool: new native.Pool({ connectionString: postgresUrl }) })
    })
    t.teardown(() => db.destroy())
    let hash: Buffer
    do hash = createHash('sha256').update(randomBytes(8)).digest(); while (hash[0] !== 0)
    const { length } = await db.selectNoFrom(
      ({ cast, fn, val }) => fn<number>('length', [cast(val(hash), 'bytea')]).as('length')
    ).executeTakeFirstOrThrow()
    t.equal(length, 0, 'the check is still needed')
  })
})
