import type { ImportToken, ImportUser } from '../../schemas/import.js'
import type { Awaitable } from '../../storage/storage-adapter.js'
import type { NeededOptions, SourceLine, SourceNote } from './source-line.js'

// An import reports an issue of a line at most a batch of lines later, so older records are not needed. Without a
// limit, memory would grow with the source.
const maxRecords = 8192

/** The part of a source that an import takes. */
export interface ImportLines {
  /** The users and tokens. */
  lines: AsyncGenerator<{ user: ImportUser } | { token: ImportToken }>
  /** Returns the name of the record in the other system that became a line, if this line is one of the last 8192. */
  recordOf (line: number): string | undefined
}

/** Receives the notes and the options of a source, which are not lines of the import. */
export interface SourceListener {
  note (note: SourceNote): Awaitable<void>
  options (options: NeededOptions): Awaitable<void>
}

/** Yields the users and tokens of a source as lines of an import, and passes its notes and options to the listener. */
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
