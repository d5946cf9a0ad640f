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

/** Returns the absolute path of the file that `sqliteStorage` has opened, or `':memory:'`. It is `undefined` for any other storage. */
export function locationOf (storage: StorageAdapter): string | undefined {
  return locations.get(storage)
}

export interface SqliteStorageOptions {
  /**
   * Path of the database file, created if missing, for its owner alone (mode 0600; an existing file keeps its mode); `':memory:'` for one that is gone when the app closes.
   * @default 'vexa-admin.db'
   */
  filename?: string | undefined
  /**
   * How long a statement waits while another process writes, in milliseconds, before the caller is told 503.
   * Waiting does not block the event loop.
   * @default 5000
   */
  busyTimeout?: number | undefined
  /** As in KyselyStorage. @default 'vexa_' */
  tablePrefix?: string | undefined
  /** As in KyselyStorage. @default true */
  migrate?: boolean | undefined
}

/**
 * KyselyStorage over better-sqlite3: one file, shared by any number of processes of one machine.
 * Opened with write-ahead log, `synchronous=FULL` so that what was acknowledged survives a power cut, and `secure_delete` so that
 * what is deleted leaves the file.
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function sqliteStorage ({ filename = 'vexa-admin.db', busyTimeout = 5000, ...options }: SqliteStorageOptions = {}): KyselyStorage {
  // better-sqlite3 takes an empty name, and spaces, for a temporary database, which nobody means.
  check(typeof filename === 'string' && filename.trim() !== '' && !filename.includes('\0'), '`filename` must be a path')
  check(Number.isInteger(busyTimeout) && busyTimeout >= 0, '`busyTimeout` must be a whole number of milliseconds')
  const storage = new KyselyStorage({
    ...options,
    dialect: new SqliteDialect({
      open: async () => {
        const database = await openDatabase(filename, options.migrate !== false)
        // SQLite has found the file its own way, through links and the working directory.
        const [main] = database.prepare('pragma database_list').all([]) as [{ file: string }]
        locations.set(storage, main.file || memory)
        return database
      },
      // 16 MiB of pages: SQLite's own two hold the indexes of a few thousand tokens.
      pragmas: ['journal_mode = wal', 'synchronous = full', 'foreign_keys = on', 'secure_delete = on', 'cache_size = -16384'],
      busyTimeout
    })
  })
  return storage
}

async function openDatabase (filename: string, create: boolean): Promise<SqliteDatabase> {
  try {
    // Imported here, so that apps with another storage need not have it.
    const { default: Database } = await import('better-sqlite3')
    if (create) createPrivate(filename.trim())
    return new Database(filename, { timeout: 0, fileMustExist: !create })
  } catch (cause) {
    // An optional dependency: npm says nothing where it could not be installed.
    if ((cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') throw new StorageOpenError('better-sqlite3 is not installed: npm install better-sqlite3 (on Node.js 20, better-sqlite3@12), or give another `storage`', { cause })
    // Package managers do not run its install script unless they are told to, and its binary is for one version of Node.js.
    if (isUnbuilt(cause)) throw new StorageOpenError('better-sqlite3 is not built for this Node.js: allow its install script (pnpm approve-builds, npm install-scripts approve better-sqlite3), then npm rebuild better-sqlite3', { cause })
    throw new StorageOpenError(`SQLite cannot open ${filename === memory ? filename : resolve(filename)} (${(cause as Error).message})`, { cause })
  }
}

/** Creates a file that nobody else may read, if it is not there. SQLite gives the files beside it the same mode. */
function createPrivate (filename: string): void {
  if (filename === memory) return
  try {
    // Exclusively, and at once: to close another handle of the file would free the locks that SQLite holds on it.
    closeSync(openSync(followed(filename), 'wx', 0o600))
  } catch {
    // It is there, or SQLite has a sentence for it.
  }
}

/** Returns where a link to a file that is not there leads. */
function followed (filename: string): string {
  const isLink = lstatSync(filename, { throwIfNoEntry: false })?.isSymbolicLink() === true
  return isLink ? followed(resolve(dirname(filename), readlinkSync(filename))) : filename
}

function isUnbuilt (error: unknown): boolean {
  const { code, message } = error as { code?: unknown, message?: unknown }
  return code === 'ERR_DLOPEN_FAILED' || String(message).startsWith('Could not locate the bindings file')
}
