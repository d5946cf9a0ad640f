import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Cli } from './cli.js'
import { NotDoneError } from './cli-errors.js'

/** A file that gets its name only when it is complete. Until then, its name ends in `.partial`. */
export interface NewFile {
  readonly path: string
  write (text: string): void
  /** Gives the complete file its name. Never replaces an existing file. */
  complete (): void
}

/**
 * Creates a file that only its owner can read. If the file is not complete when the command ends, the file is deleted.
 *
 * @throws {NotDoneError} if the file exists, or cannot be written. The methods of NewFile also throw this error
 */
export function createNewFile ({ process, defer }: Cli, name: string): NewFile {
  const path = resolve(process.cwd(), name)
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`
  const exists = `The file ${path} exists, and is not replaced`
  function attempt<T> (task: () => T): T {
    try {
      return task()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new NotDoneError(code === 'EEXIST' ? exists : `The file ${path} cannot be written (${code})`)
    }
  }

  if (existsSync(path)) throw new NotDoneError(exists)
  const handle = attempt(() => openSync(partial, 'wx', 0o600))
  defer(() => {
    closeSync(handle)
    rmSync(partial, { force: true })
  })
  return {
    path,
    write: (text) => attempt(() => writeFileSync(handle, text)),
    complete: () => attempt(() => {
      fsyncSync(handle)
      giveName(partial, path)
    })
  }
}

/** Gives a file another name, unless another file has this name already. */
function giveName (file: string, name: string): void {
  try {
    // A rename would replace a file that another program has created meanwhile.
    linkSync(file, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    // On some file systems, such as FAT, a file cannot have two names. There, an empty new file reserves the name
    // first.
    closeSync(openSync(name, 'wx', 0o600))
    renameSync(file, name)
  }
}
