import { createReadStream, existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { Kysely } from 'kysely'
import type { ImportInput } from '../index.js'
import type { Cli } from './cli.js'
import { NotDoneError, UsageError } from './cli-errors.js'
import { readBetterAuth } from './sources/better-auth.js'
import { toImportLines, type SourceListener } from './sources/import-lines.js'
import { findScopes } from './sources/ndjson.js'
import { SourceError, type NeededOptions, type SourceLine } from './sources/source-line.js'
import { readUnkey } from './sources/unkey.js'
import { readVexa } from './sources/vexa.js'
import { createDialect, databaseOf } from './storage.js'

/**
 * The options that the app needs to accept the imported tokens. `legacyTokens` is absent if the lines do not tell which
 * forms the values have.
 */
export type FoundOptions = Omit<NeededOptions, 'legacyTokens'> & Partial<NeededOptions>

/** The lines that an import reads. */
export interface ImportFrom {
  /** Returns the options that the app needs, as far as the lines tell them before the import. */
  findOptions (): Promise<FoundOptions>
  /**
   * Reads the lines. Calls `note` for each remark of the source, such as about a record that it leaves out. `recordOf`
   * returns the name of the record in the other system that became a line, if this line is one of the last 8192. For a
   * file of lines, it returns `undefined`.
   */
  read (note: SourceListener['note'], signal: AbortSignal): {
    lines: ImportInput
    recordOf (line: number): string | undefined
  }
}

/** Opens a file with lines of an import. Without a name, opens stdin. */
export function openLines (cli: Cli, name: string | undefined): ImportFrom {
  const { process: { stdin, cwd } } = cli
  const recordOf = () => undefined
  if (name === undefined) {
    if (stdin.isTTY) throw new UsageError('Give a FILE, or send the lines on stdin')
    return {
      findOptions: async () => ({ scopes: [] }),
      // When the signal aborts, an import that waits for its next line stops, too.
      read: (_note, signal) => ({ lines: addAbortSignal(signal, stdin), recordOf })
    }
  }
  const path = resolve(cwd(), name)
  return {
    findOptions: async () => ({ scopes: isPipe(path) ? [] : await findScopes(readBytes(path)) }),
    read: () => ({ lines: readBytes(path), recordOf })
  }
}

const databaseSources = { vexa: readVexa, 'better-auth': readBetterAuth } as const

export type SourceName = keyof typeof databaseSources | 'unkey'

/** Opens another system. The database of that system is closed when the command ends. */
export function openSource (cli: Cli, name: SourceName, given: string | undefined): ImportFrom {
  const read = name === 'unkey' ? unkeyAt(cli, given) : databaseAt(cli, name, given)
  return {
    async findOptions () {
      let found: NeededOptions | undefined
      for await (const line of guard(read())) if ('options' in line) found = line.options
      return found as NeededOptions
    },
    read: (note) => toImportLines(guard(read()), { note, options: () => {} })
  }
}

function unkeyAt ({ process: { cwd } }: Cli, name: string | undefined): () => AsyncGenerator<SourceLine> {
  if (name === undefined) throw new UsageError('Give the file of Unkey')
  const path = resolve(cwd(), name)
  if (isPipe(path)) {
    throw new UsageError('Write the keys of Unkey to a file, because the command reads them several times')
  }
  return () => readUnkey(path)
}

function databaseAt (
  cli: Cli, name: keyof typeof databaseSources, given: string | undefined
): () => AsyncGenerator<SourceLine> {
  const url = given ?? cli.process.env.SOURCE_URL
  if (!url) throw new UsageError('Give the URL of the other database as SOURCE, or in the variable SOURCE_URL')
  const database = databaseOf(cli, { database: url })
  if (name === 'vexa' && database.kind !== 'postgres') throw new UsageError('The URL of the database of Vexa must begin with postgres://')
  if (database.kind === 'sqlite' && !existsSync(database.filename)) {
    throw new NotDoneError(`There is no database at ${database.filename}`)
  }
  const db = new Kysely<any>({ dialect: createDialect(cli, database) })
  cli.defer(() => db.destroy())
  return () => databaseSources[name](db)
}

/**
 * Returns whether a path exists and is not a regular file, such as the pipe of `<(…)` in a shell. A pipe can be read
 * only once.
 */
function isPipe (path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false
}

/** Reads a file in pieces. */
async function * readBytes (path: string): AsyncGenerator<Uint8Array> {
  try {
    yield * createReadStream(path)
  } catch (error) {
    throw new NotDoneError(`The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Turns each error into one whose message says that SOURCE cannot be read. A SourceError stays as it is. */
async function * guard (source: AsyncGenerator<SourceLine>): AsyncGenerator<SourceLine> {
  try {
    yield * source
  } catch (error) {
    if (error instanceof SourceError) throw error
    // If a host has several addresses and none of them answers, the error has a code and no message.
    const { code, message } = error as NodeJS.ErrnoException
    throw new NotDoneError(`SOURCE cannot be read: ${[message, code].find(Boolean)}`)
  }
}
