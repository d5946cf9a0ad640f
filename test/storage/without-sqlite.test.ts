import t from 'tap'
import type * as api from '../../src/storage/sqlite-storage.js'

t.test('where better-sqlite3 could not be installed, it says what to do', async (t) => {
  // As where it is missing: the class stands in for the failure of the import.
  class Missing {
    constructor () {
      throw Object.assign(new Error("Cannot find package 'better-sqlite3'"), { code: 'ERR_MODULE_NOT_FOUND' })
    }
  }
  const { sqliteStorage } = await t.mockImport<typeof api>('../../src/storage/sqlite-storage.js', { 'better-sqlite3': { default: Missing } })
  await t.rejects(sqliteStorage().open(), {
    code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
    message: 'fastify-vexa-admin: the storage cannot be opened: better-sqlite3 is not installed: npm install better-sqlite3, or give another `storage`'
  } as object as Error)
})
