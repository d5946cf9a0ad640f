import { createRequire } from 'node:module'
import { join } from 'node:path'
import { NotDoneError } from './cli-errors.js'

/**
 * Loads a package. Looks for the package in the project first, and then next to this package.
 *
 * @throws {NotDoneError} if the package is not installed
 */
export function loadDriver<T> (name: string, database: string, directory: string): T {
  for (const from of [join(directory, 'package.json'), import.meta.url]) {
    const require = createRequire(from)
    if (canResolve(require, name)) return require(name)
  }
  throw new NotDoneError(`${database} needs the package ${name}, which is not installed: npm install ${name}`)
}

function canResolve (require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}
