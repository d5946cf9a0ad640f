// SQLite, which the full test suite also tests.
import t from 'tap'
import { sqliteStorage } from '../../src/index.js'
import { backDoor, emptyPlace } from '../support/databases.js'
import { testEngine } from './conformance.js'

t.test('SQLite', async (t) => {
  const place = emptyPlace(t, 'sqlite')
  await testEngine(t, {
    engine: 'SQLite',
    version: 'sqlite_version()',
    db: backDoor(t, place).db,
    storages: [(tablePrefix) => sqliteStorage({ filename: place.replace('sqlite:', ''), tablePrefix })]
  })
})
