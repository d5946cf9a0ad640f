// Drivers of PostgreSQL other than pg's own client.
import { createHash, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { Kysely, PostgresDialect } from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import type Pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { testStorage } from '../../src/storage/conformance/index.js'
import { KyselyStorage, migrateStorage, type StorageAdapter } from '../../src/index.js'
import { backDoor, emptyPlace, postgresUrl, tablePrefixAt, unavailable } from '../support/databases.js'

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

t.test('postgres.js: passes the conformance suite', { skip }, async (t) => {
  const open = (place: string) => new KyselyStorage({
    dialect: new PostgresJSDialect({ postgres: postgres(postgresUrl, { max: 5 }) }), tablePrefix: tablePrefixAt(place)
  })
  // A case may need two storages that share nothing. It takes them in turns, because a migration takes long.
  const doors = [1, 2].map(() => {
    const place = emptyPlace(t, 'postgres')
    return { place, ...backDoor(t, place) }
  })
  for (const { place } of doors) await migrateStorage(open(place))
  const places = new WeakMap<StorageAdapter, string>()
  testStorage((name, run) => t.test(name, run), async () => {
    const door = doors.shift() as typeof doors[number]
    doors.push(door)
    const { place, db, prefix } = door
    for (const table of ['audit', 'tokens', 'users']) await db.deleteFrom(prefix + table).execute()
    const storage = open(place)
    places.set(storage, place)
    return storage
  }, { share: (storage) => open(places.get(storage) as string) })
})
