// Servers are killed while eight clients write, five times over the same data, on each database. Run by `npm run soak`.
import t from 'tap'
import { crash } from '../support/crashes.js'
import { databaseNames, emptyPlace, unavailable } from '../support/databases.js'

for (const database of databaseNames) {
  t.test(`${database}: a new process has all acknowledged changes after kill -9`, {
    skip: await unavailable(database)
  }, async (t) => {
    await crash(t, emptyPlace(t, database), { rounds: 5, load: 5 })
  })
}
