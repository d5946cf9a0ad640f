import { readFileSync } from 'node:fs'
import { adminKeyForm } from '../hooks/admin-keys.js'
import { NotDoneError, UsageError } from './cli-errors.js'

/**
 * Returns the admin keys of a file. Each line has one key. Skips blank lines and lines that begin with `#`.
 *
 * @throws {NotDoneError} if the file cannot be read
 * @throws {UsageError} if the file has no key, or a line is wrong. No message contains a key
 */
export function readKeyFile (path: string): string[] {
  const lineOf = new Map<string, number>()
  for (const [i, line] of readText(path).split('\n').entries()) {
    const key = line.trim()
    if (key === '' || key.startsWith('#')) continue
    const number = i + 1
    if (!adminKeyForm.test(key)) {
      throw new UsageError(`Line ${number} of ${path} is no admin key: expected at least 16 printable ASCII ` +
        'characters, with no space or comma')
    }
    const earlier = lineOf.get(key)
    if (earlier !== undefined) throw new UsageError(`Line ${number} of ${path} has the same key as line ${earlier}`)
    lineOf.set(key, number)
  }
  if (lineOf.size === 0) throw new UsageError(`The file ${path} has no admin key`)
  return [...lineOf.keys()]
}

function readText (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new NotDoneError(`The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
