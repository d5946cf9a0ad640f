// Servers that are killed while eight clients write, five times over the same data, on each kind of database. Run by `npm run soak`.
import t from 'tap'
import { crash } from '../support/crashes.js'
import { databaseNames, emptyPlace, unavailable } from '../support/databases.js'

for (const database of databaseNames) {
  t.test(`${database}: after kill -9 a new process has everything that was acknowledged, and nothing that was revoked`, {
    skip: await unavailable(database)
  }, async (t) => {
    await crash(t, emptyPlace(t, database), { rounds: 5, load: 5 })
  })
}
