import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { migrateStorage } from '../../src/index.js'
import { newEntry } from '../../src/storage/conformance/audit-changes.js'
import { newUser } from '../../src/storage/conformance/records.js'
import { schemaVersion } from '../../src/storage/sql/migrations/index.js'
import { run } from '../support/child.js'
import {
  backDoor, columnsAt, emptyPlace, longTestDatabases, storageAt, unavailable, type DatabaseName
} from '../support/databases.js'
import { createEarlierSchema } from '../support/earlier-schema.js'

const created = '2024-01-01T12:00:00.000Z'
const user = newUser({ email: 'a@b' })
const firstUser = { ...user, disabled: false, revision: 0 }
const entry = newEntry('token.revoked')
const newMembers = { disabled: false, data: null, start: null }
const hashOf = (n: number) => {
  const hash = Buffer.alloc(32)
  hash.writeUInt32BE(n)
  return hash
}
const written = (database: DatabaseName) =>
  database === 'mysql' ? created.replace('T', ' ').replace('Z', '') : created
const indexes: Record<DatabaseName, string> = {
  sqlite: "select name, sql as definition from sqlite_schema where type = 'index' and sql is not null",
  postgres: "select indexname as name, indexdef as definition from pg_indexes where indexname like '#%'",
  mysql: `select concat(index_name, seq_in_index) as name, column_name as definition from information_schema.statistics
    where table_schema = database() and table_name like '#%'`
}

/** Returns the columns and indexes of our tables at a place. */
async function schemaAt (t: Test, place: string): Promise<string[]> {
  const { db, prefix } = backDoor(t, place)
  const [database] = place.split(':') as [DatabaseName]
  const { rows } = await sql.raw<{ name: string, definition: string }>(indexes[database].replace('#', prefix))
    .execute(db)
  const found = rows.map(({ name, definition }) => `${name} ${definition}`.replaceAll(prefix, ''))
  return [...await columnsAt(t, place), ...found.sort()]
}

for (const database of longTestDatabases) {
  t.test(database, { skip: await unavailable(database) }, async (t) => {
    t.test('open: completes a migration that was killed before any of its statements', async (t) => {
      const places = Array.from({ length: 60 }, () => emptyPlace(t, database))
      const child = run(t, 'test/support/fixtures/halt-migrating.ts', { args: places })
      await child.line(/^halted/)
      child.process.kill('SIGKILL')
      await child.exit
      let unfinished = 0
      const goOn = async (place: string, i: number) => {
        const checking = storageAt(place, { migrate: false })
        await checking.open().catch(() => { unfinished++ })
        await checking.close()
        const storage = storageAt(place)
        await storage.open()
        t.match(await storage.createUser(user), firstUser, `killed before statement ${i + 1}`)
        await storage.close()
      }
      for (let i = 0; i < places.length; i += 4) {
        await Promise.all(places.slice(i, i + 4).map((place, j) => goOn(place, i + j)))
      }
      t.ok(unfinished > 25 && unfinished < 60, `${unfinished} of 60 places are not migrated`)
    })

    for (const [version, statements] of [[3, 45], [4, 30]] as const) {
      t.test(`open: completes an upgrade of version ${version} that was killed at any statement`, async (t) => {
        const fresh = emptyPlace(t, database)
        await migrateStorage(storageAt(fresh))
        const schema = await schemaAt(t, fresh)
        // Version 4 writes the names of existing tokens in batches of 500.
        const rows = Array.from({ length: 502 }, (_, i) => {
          const name = i === 0 ? null : `ÉMILE ${i}`
          const searchable = version === 3 ? {} : { searchable_name: name?.toLowerCase() ?? null }
          return { user_id: 1, hash: hashOf(i), name, ...searchable, created_at: written(database) }
        })
        const places = Array.from({ length: statements }, () => emptyPlace(t, database))
        for (const place of places) {
          const { db, prefix } = backDoor(t, place)
          await createEarlierSchema(db, prefix, version)
          await db.insertInto(`${prefix}users`)
            .values({ email: 'a@b', max_concurrent_bots: 3, created_at: written(database) })
            .execute()
          await db.insertInto(`${prefix}tokens`).values(rows).execute()
          await db.destroy()
        }
        const child = run(t, 'test/support/fixtures/halt-migrating.ts', { args: places })
        await child.line(/^halted/)
        child.process.kill('SIGKILL')
        await child.exit
        let unfinished = 0
        for (const [i, place] of places.entries()) {
          const { from } = await migrateStorage(storageAt(place))
          if (from < schemaVersion) unfinished++
          const storage = storageAt(place, { migrate: false })
          await storage.open()
          const message = `killed before statement ${i + 1}`
          t.equal(await storage.countTokens({ search: 'émile' }), 501, message)
          const [first, second] = await storage.listTokens({ order: 'asc', limit: 2 })
          t.match([first, second], [{ token: { name: null } }, { token: { name: 'ÉMILE 1', ...newMembers } }], message)
          t.match(await storage.findTokenByHash(hashOf(501)), { token: { name: 'ÉMILE 501', ...newMembers } }, message)
          await storage.revokeTokens('1', entry)
          t.match(await storage.listAudit({ order: 'asc', limit: 9 }), [{ id: '1', ...entry, user_id: '1' }], message)
          const time = '2024-01-31T12:00:00.000Z'
          t.match(await storage.pruneAudit({ before: time, now: time, limit: 9 }), { deleted: 1, last: '1' }, message)
          await storage.close()
          t.same(await schemaAt(t, place), schema, message)
        }
        t.ok(unfinished > 5 && unfinished < statements, `${unfinished} of ${statements} places are not migrated`)
      })
    }
  })
}
