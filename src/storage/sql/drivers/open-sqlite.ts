import { resolve } from 'node:path'
import { StorageOpenError } from '../../../errors.js'
import { loadNodeSqlite } from './node-sqlite.js'
import type { OpenSqlite } from './sqlite-driver.js'

const memory = ':memory:'

/**
 * Returns a function that opens databases: with better-sqlite3, or with `node:sqlite` if better-sqlite3 cannot be
 * loaded.
 *
 * @throws {StorageOpenError} if neither can be loaded. The function throws this error if it cannot open the file
 */
export async function loadSqlite (): Promise<OpenSqlite> {
  const open = await loadBetterSqlite().catch((cause) => {
    const open = loadNodeSqlite()
    if (open === undefined) throw new StorageOpenError(describeLoadError(cause), { cause })
    return open
  })
  return (filename, options) => {
    const path = filename === memory ? memory : resolve(filename)
    try {
      return open(path, options)
    } catch (cause) {
      throw new StorageOpenError(`SQLite cannot open ${path} (${(cause as Error).message})`, { cause })
    }
  }
}

async function loadBetterSqlite (): Promise<OpenSqlite> {
  // The import is here, because an app need not install better-sqlite3.
  const { default: Database } = await import('better-sqlite3')
  // better-sqlite3 loads its binary for the first database.
  new Database(memory).close()
  return (filename, options) => new Database(filename, { ...options, timeout: 0 })
}

function describeLoadError (cause: unknown): string {
  const { code, message } = cause as { code?: unknown, message?: unknown }
  const others = 'use Node.js 22.16 or later, which has node:sqlite, or give another `storage`'
  // better-sqlite3 is an optional dependency, and npm does not report that its installation failed.
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return `better-sqlite3 is not installed: npm install better-sqlite3 (on Node.js 20, better-sqlite3@12), ${others}`
  }
  // Package managers run the install script of better-sqlite3 only with permission. The script's binary is for one
  // version of Node.js.
  if (code === 'ERR_DLOPEN_FAILED' || String(message).startsWith('Could not locate the bindings file')) {
    return 'better-sqlite3 is not built for this Node.js: allow its install script (pnpm approve-builds, ' +
      `npm install-scripts approve better-sqlite3) and run npm rebuild better-sqlite3, ${others}`
  }
  return `better-sqlite3 cannot be loaded (${message}): ${others}`
}
