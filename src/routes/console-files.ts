import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ConsoleMissingError } from '../errors.js'

/** A file of the console, as it is served. */
export interface ConsoleFile {
  /** Path of the file, relative to the path of the console. */
  path: string
  /** Value of `Content-Type`. */
  type: string
  content: Buffer
  /** Value of `ETag`. The tag is weak, because a proxy or the app may compress the reply. */
  etag: string
}

// This relative path is right from `src/routes` and from `dist/routes`.
const builtFiles = new URL('../../dist/console/', import.meta.url)

const served = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/console.js', 'console.js', 'text/javascript; charset=utf-8'],
  ['/console.css', 'console.css', 'text/css; charset=utf-8']
] as const

/**
 * Reads the three files of the console from a directory. By default, this is the `dist/console` of this package.
 *
 * @throws {ConsoleMissingError} if a file cannot be read. The message names the file
 */
export function readConsoleFiles (directory = builtFiles): Promise<ConsoleFile[]> {
  return Promise.all(served.map(async ([path, name, type]) => {
    const content = await readFile(new URL(name, directory)).catch((cause) => {
      throw new ConsoleMissingError(name, cause.code, { cause })
    })
    const digest = createHash('sha256').update(content).digest('base64url')
    return { path, type, content, etag: `W/"${digest.slice(0, 22)}"` }
  }))
}
