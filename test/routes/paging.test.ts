import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { sqliteStorage } from '../../src/index.js'
import { build, call } from '../helpers.js'

t.test('following Link visits each of 100,000 users exactly once, while others are created and deleted', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  const app = await build(t, { storage: sqliteStorage({ filename }) })
  const count = 100_000
  const database = new Database(filename)
  t.teardown(() => database.close())
  const insert = database.prepare("insert into vexa_users (email, max_concurrent_bots, created_at) values (?, 3, '2024-01-01T12:00:00.000Z')")
  database.transaction(() => { for (let i = 1; i <= count; i++) insert.run(`${i}@x`) })()

  // Every tenth user is deleted along the way: half of them before they are come to, half after.
  const doomed = (id: number) => id % 10 === 0
  const visits = new Uint8Array(count + 1)
  let page = 0
  let created = 0
  for (let url: string | undefined = '/admin/users?limit=1000'; url !== undefined; page++) {
    const reply = await call(app, 'GET', url)
    for (const { id } of reply.json() as Array<{ id: string }>) {
      const key = Number(id.slice('user-'.length))
      if (key <= count) visits[key] = (visits[key] as number) + 1
    }
    for (const offset of [-600, 600]) {
      const id = Math.floor((page * 1000 + offset + 500) / 10) * 10
      if (id > 0 && id <= count) await app.vexaAdmin.users.delete(`user-${id}`).catch((error) => t.equal(error.statusCode, 404))
    }
    if (page < 90) await app.vexaAdmin.users.create({ email: `new${created++}@x` })
    url = /^<([^>]*)>; rel="next"$/.exec(String(reply.headers.link))?.[1]
  }
  t.ok(page >= 100 && page <= 102, `${page} pages`)
  const twice = visits.findIndex((times) => times > 1)
  const missed = visits.findIndex((times, id) => id > 0 && times === 0 && !doomed(id))
  t.equal(twice, -1, 'none twice')
  t.equal(missed, -1, 'none missed')
})
