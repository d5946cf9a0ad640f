import t from 'tap'
import { backDoor, emptyPlace, storageAt } from '../support/databases.js'
import { build, call, nextOf } from '../support/helpers.js'

t.test('GET /users: Link visits 100,000 users once each while others are created', async (t) => {
  const place = emptyPlace(t)
  const app = await build(t, { storage: storageAt(place) })
  const count = 100_000
  const { db, prefix } = backDoor(t, place)
  const createdAt = place.startsWith('sqlite:') ? '2024-01-01T12:00:00.000Z' : '2024-01-01 12:00:00.000'
  for (let i = 1; i <= count; i += 1000) {
    const users = Array.from({
      length: 1000
    }, (_, j) => ({ email: `${i + j}@x`, max_concurrent_bots: 3, created_at: createdAt }))
    await db.insertInto(`${prefix}users`).values(users).execute()
  }

  // Every tenth user is deleted during the walk: half before their page is read, half after.
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
      if (id > 0 && id <= count) {
        await app.vexaAdmin.users.delete(`user-${id}`).catch((error) => t.equal(error.statusCode, 404))
      }
    }
    if (page < 90) await app.vexaAdmin.users.create({ email: `new${created++}@x` })
    url = nextOf(url, reply.headers.link)
  }
  t.ok(page >= 100 && page <= 102, `${page} pages`)
  const twice = visits.findIndex((times) => times > 1)
  const missed = visits.findIndex((times, id) => id > 0 && times === 0 && !doomed(id))
  t.equal(twice, -1, 'none twice')
  t.equal(missed, -1, 'none missed')
})
