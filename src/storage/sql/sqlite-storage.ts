import { closeSync, lstatSync, openSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { check } from '../../check-options.js'
import { StorageOpenError } from '../../errors.js'
import { KyselyStorage } from './kysely-storage.js'
import { SqliteDialect } from './drivers/sqlite-dialect.js'
import type { SqliteDatabase } from './drivers/sqlite-driver.js'
import type { StorageAdapter } from '../storage-adapter.js'

const memory = ':memory:'
const locations = new WeakMap<StorageAdapter, string>()

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
 * Creates a KyselyStorage over better-sqlite3. Any number of processes on one machine can share the file, which has a
 * write-ahead log. `synchronous=FULL` makes acknowledged changes survive a power cut, and `secure_delete` overwrites
 * deleted data.
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function sqliteStorage (
  { filename = 'vexa-admin.db', busyTimeout = 5000, ...options }: SqliteStorageOptions = {}
): KyselyStorage {
  // better-sqlite3 opens a temporary database if the name is empty or only spaces.
  const isPath = typeof filename === 'string' && filename.trim() !== '' && !filename.includes('\0')
  check(isPath, '`filename` must be a path')
  check(Number.isInteger(busyTimeout) && busyTimeout >= 0, '`busyTimeout` must be a whole number of milliseconds')
  const storage = new KyselyStorage({
    ...options,
    dialect: new SqliteDialect({
      open: async () => {
        const database = await openDatabase(filename, options.migrate !== false)
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
  return storage
}

async function openDatabase (filename: string, create: boolean): Promise<SqliteDatabase> {
  try {
    // The import is here, because an app without a storage of SQLite need not install better-sqlite3.
    const { default: Database } = await import('better-sqlite3')
    if (create) createPrivate(filename.trim())
    return new Database(filename, { timeout: 0, fileMustExist: !create })
  } catch (cause) {
    throw new StorageOpenError(describeOpenError(cause, filename), { cause })
  }
}

function describeOpenError (cause: unknown, filename: string): string {
  // better-sqlite3 is an optional dependency, and npm does not report that its installation failed.
  if ((cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') {
    return 'better-sqlite3 is not installed: npm install better-sqlite3 (on Node.js 20, better-sqlite3@12), ' +
      'or give another `storage`'
  }
  // Package managers run the install script of better-sqlite3 only with permission. The script's binary is for one
  // version of Node.js.
  if (isUnbuilt(cause)) {
    return 'better-sqlite3 is not built for this Node.js: allow its install script ' +
      '(pnpm approve-builds, npm install-scripts approve better-sqlite3), then npm rebuild better-sqlite3'
  }
  return `SQLite cannot open ${filename === memory ? filename : resolve(filename)} (${(cause as Error).message})`
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

function isUnbuilt (error: unknown): boolean {
  const { code, message } = error as { code?: unknown, message?: unknown }
  return code === 'ERR_DLOPEN_FAILED' || String(message).startsWith('Could not locate the bindings file')
}
