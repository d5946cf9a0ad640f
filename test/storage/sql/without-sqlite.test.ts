import t from 'tap'
import { replaceNodeSqlite, withBetterSqlite } from '../../support/node-sqlite.js'

const others = 'use Node.js 22.16 or later, which has node:sqlite, or give another `storage`'
const unbuilt = 'better-sqlite3 is not built for this Node.js: allow its install script ' +
  `(pnpm approve-builds, npm install-scripts approve better-sqlite3) and run npm rebuild better-sqlite3, ${others}`
/** Returns an error with a code. */
const withCode = (code: string, message: string) => Object.assign(new Error(message), { code })

for (const [what, error, message] of [
  ['could not be installed', withCode('ERR_MODULE_NOT_FOUND', "Cannot find package 'better-sqlite3'"),
    `better-sqlite3 is not installed: npm install better-sqlite3 (on Node.js 20, better-sqlite3@12), ${others}`],
  [
    'was not built',
    new Error('Could not locate the bindings file. Tried:\n → /node_modules/better-sqlite3/build/better_sqlite3.node'),
    unbuilt
  ],
  [
    'was built for another Node.js',
    withCode('ERR_DLOPEN_FAILED', 'The module was compiled against a different Node.js version'),
    unbuilt
  ],
  ['has no constructor', new TypeError('Database is not a constructor'),
    `better-sqlite3 cannot be loaded (Database is not a constructor): ${others}`]
] as const) {
  t.test(`open: rejects with the remedies when better-sqlite3 ${what}`, async (t) => {
    // The class throws in place of the import or of the binary that it loads.
    class Failing {
      constructor () {
        throw error
      }
    }
    replaceNodeSqlite(t, undefined)
    const { sqliteStorage } = await withBetterSqlite(t, Failing)
    await t.rejects(sqliteStorage().open(), {
      code: 'VEXA_ADMIN_ERR_STORAGE_OPEN',
      message: `fastify-vexa-admin: the storage cannot be opened: ${message}`
    } as object as Error)
  })
}
