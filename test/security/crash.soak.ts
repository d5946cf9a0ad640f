// Kills servers while eight clients write, five times over the same data, on each kind of database.
// `npm run soak` runs it.
import t from 'tap'
import { crash } from '../support/crashes.js'
import { databaseNames, emptyPlace, unavailable } from '../support/databases.js'

for (const database of databaseNames) {
  t.test(`crash: ${database} keeps each acknowledged change after kill -9`, {
    skip: await unavailable(database)
  }, async (t) => {
    await crash(t, emptyPlace(t, database), { rounds: 5, load: 5 })
  })
}
