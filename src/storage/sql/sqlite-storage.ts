import { closeSync, lstatSync, openSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { check } from '../../check-options.js'
import { KyselyStorage } from './kysely-storage.js'
import { loadSqlite } from './drivers/open-sqlite.js'
import { SqliteDialect } from './drivers/sqlite-dialect.js'
import type { StorageAdapter } from '../storage-adapter.js'

const memory = ':memory:'
const locations = new WeakMap<StorageAdapter, string>()
const created = new WeakSet<StorageAdapter>()

/** Returns whether `sqliteStorage` has returned this storage. A Proxy of the storage is a different object. */
export function isSqliteStorage (storage: StorageAdapter): boolean {
  return created.has(storage)
}

/**
 * Returns the absolute path of the file that a storage of `sqliteStorage` has opened, or `':memory:'`. Returns
 * `undefined` for other storages.
 */
export function locationOf (storage: StorageAdapter): string | undefined {
  return locations.get(storage)
}

export interface SqliteStorageOptions {
  /**
   * Path of the database file, or `':memory:'` for a database that is lost when the app closes. A missing file is
   * created with mode 0600, so that only its owner can read it. An existing file keeps its mode.
   * @default 'vexa-admin.db'
   */
  filename?: string | undefined
  /**
   * Maximum time that a statement waits while another process writes, in milliseconds. After this time, the reply to
   * the request is 503. The wait does not block the event loop.
   * @default 5000
   */
  busyTimeout?: number | undefined
  /** The same as in KyselyStorage. @default 'vexa_' */
  tablePrefix?: string | undefined
  /** The same as in KyselyStorage. @default true */
  migrate?: boolean | undefined
}

/**
 * Creates a KyselyStorage over better-sqlite3, or over `node:sqlite` if better-sqlite3 cannot be loaded. Any number of
 * processes on one machine can share the file, which has a write-ahead log. `synchronous=FULL` makes acknowledged
 * changes survive a power cut, and `secure_delete` overwrites deleted data.
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function sqliteStorage (
  { filename = 'vexa-admin.db', busyTimeout = 5000, ...options }: SqliteStorageOptions = {}
): KyselyStorage {
  // SQLite opens a temporary database if the name is empty. better-sqlite3 ignores spaces around the name.
  const isPath = typeof filename === 'string' && filename.trim() !== '' && !filename.includes('\0')
  check(isPath, '`filename` must be a path')
  check(Number.isInteger(busyTimeout) && busyTimeout >= 0, '`busyTimeout` must be a whole number of milliseconds')
  const storage = new KyselyStorage({
    ...options,
    dialect: new SqliteDialect({
      open: async () => {
        const open = await loadSqlite()
        const create = options.migrate !== false
        if (create) createPrivate(filename.trim())
        const database = open(filename.trim(), { fileMustExist: !create })
        // SQLite reports the path, after it has resolved the working directory and symbolic links.
        const main = database.prepare('pragma database_list').get([]) as { file: string }
        locations.set(storage, main.file || memory)
        return database
      },
      // The cache holds 16 MiB. SQLite's default of 2 MiB holds only the indexes of a few thousand tokens.
      pragmas: [
        'journal_mode = wal', 'synchronous = full', 'foreign_keys = on', 'secure_delete = on', 'cache_size = -16384'
      ],
      busyTimeout
    })
  })
  created.add(storage)
  return storage
}

/** Creates a missing database file with mode 0600. SQLite gives this mode to its `-wal` and `-shm` files, too. */
function createPrivate (filename: string): void {
  if (filename === memory) return
  try {
    // `wx` fails if the file exists. SQLite may have the file open in this process. To close a second handle of the
    // file would free the locks of SQLite on the file.
    closeSync(openSync(followLinks(filename), 'wx', 0o600))
  } catch {
    // The file exists, or SQLite will report the error.
  }
}

/** Returns the target of a link, which need not exist, or the path itself if it is not a link. */
function followLinks (filename: string): string {
  const isLink = lstatSync(filename, { throwIfNoEntry: false })?.isSymbolicLink() === true
  return isLink ? followLinks(resolve(dirname(filename), readlinkSync(filename))) : filename
}
