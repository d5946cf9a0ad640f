import type { ImportToken, ImportUser } from '../../schemas/import.js'
import type { Awaitable } from '../../storage/storage-adapter.js'
import type { NeededOptions, SourceLine, SourceNote } from './source-line.js'

// An import reports a line before it has read many more. Without a limit, memory would grow with the source.
const maxRecords = 8192

/** The part of a source that an import takes. */
export interface ImportLines {
  /** The users and tokens. */
  lines: AsyncGenerator<{ user: ImportUser } | { token: ImportToken }>
  /** Returns the record of the other system that has become a line, if the line is one of the last 8192. */
  recordOf (line: number): string | undefined
}

/** Receives what an import does not take. */
export interface SourceListener {
  note (note: SourceNote): Awaitable<void>
  options (options: NeededOptions): Awaitable<void>
}

/** Splits the lines of a source into the lines of an import, numbered from 1, and the rest. */
export function toImportLines (source: AsyncIterable<SourceLine>, listener: SourceListener): ImportLines {
  const records = new Map<number, string>()
  async function * lines (): ImportLines['lines'] {
    let number = 0
    for await (const line of source) {
      if ('note' in line) await listener.note(line.note)
      else if ('options' in line) await listener.options(line.options)
      else {
        records.set(++number, line.record)
        records.delete(number - maxRecords)
        yield 'user' in line ? { user: line.user } : { token: line.token }
      }
    }
  }
  return { lines: lines(), recordOf: (line) => records.get(line) }
}
