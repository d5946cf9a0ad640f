import { NotDoneError, ReaderGoneError } from './cli-errors.js'
import { escapeControls } from './escape.js'
import { createTable, type Cell } from './table.js'

/** A stream of a terminal, a file or a pipe. */
export type OutputStream = NodeJS.WritableStream & { isTTY?: boolean | undefined }

/** The pages of a list. */
export type Pages<T> = AsyncIterable<readonly T[]> | Iterable<readonly T[]>

/** A column of a table, or a line of a record: its title, and the text for a value. */
export type Columns<T> = ReadonlyArray<readonly [title: string, cell: (value: T) => Cell]>

/** Prints results on stdout, as JSON or for people. Prints everything else on stderr. */
export interface Output {
  /** Whether `--json` is given. */
  readonly isJson: boolean
  /** Prints one value. With `--json`, prints JSON, and otherwise a line for each column. */
  value<T extends object> (value: T, columns: Columns<T>): Promise<void>
  /** Prints a list, page by page. With `--json`, prints each value as JSON on its own line, and otherwise a table. */
  list<T extends object> (pages: Pages<T>, columns: Columns<T>): Promise<void>
  /**
   * Prints a value with a secret. With `--json`, prints JSON. Otherwise prints only the secret on stdout, and a
   * sentence on stderr.
   *
   * @throws {NotDoneError} with the message `lost` if the secret could not be written
   */
  secret (value: object, secret: string, sentence: string, lost: string): Promise<void>
  /** Prints the result of a change. With `--json`, prints JSON, and otherwise a sentence. */
  done (value: object, sentence: string): Promise<void>
  /** Prints a text on stdout unchanged. */
  text (text: string): Promise<void>
  /** Prints a sentence on stderr. */
  note (sentence: string): Promise<void>
  /** Prints a text on stderr unchanged. */
  error (text: string): Promise<void>
  /** Shows the progress of long work, if stderr is a terminal. Each text replaces the text before. */
  progress (text: string): Promise<void>
}

/** Creates the output of a command. */
export function createOutput (stdout: OutputStream, stderr: OutputStream, isJson: boolean): Output {
  const text = (text: string) => write(stdout, text)
  // The command goes on even if stderr is closed.
  const error = (text: string) => write(stderr, text).catch(() => {})
  const printJson = (value: object) => text(`${toJson(value)}\n`)
  const note = (sentence: string) => error(`${escapeControls(sentence)}\n`)
  // On a terminal, the columns are aligned. In a pipe, tabs separate the columns, so that programs such as `cut` can
  // split them.
  const table = createTable(stdout.isTTY === true)

  return {
    isJson,
    text,
    error,
    note,
    async value (value, columns) {
      if (isJson) return printJson(value)
      await text(table(columns.map(([title, cell]) => [title, cell(value)])))
    },
    async list (pages, columns) {
      let header = [columns.map(([title]) => title)]
      for await (const page of pages) {
        const lines = isJson
          ? page.map((value) => `${toJson(value)}\n`).join('')
          : table([...header, ...page.map((value) => columns.map(([, cell]) => cell(value)))])
        header = []
        await text(lines)
      }
    },
    async secret (value, secret, sentence, lost) {
      // Here, a closed stdout is also an error, because no other command prints the secret again.
      await (isJson ? printJson(value) : text(`${secret}\n`)).catch((cause) => {
        throw new NotDoneError(lost, { cause })
      })
      if (!isJson) await note(sentence)
    },
    async done (value, sentence) {
      await (isJson ? printJson(value) : text(`${escapeControls(sentence)}\n`))
    },
    async progress (text) {
      if (stderr.isTTY) await error(`\r\u001b[K${text}`)
    }
  }
}

/** Returns JSON that is safe to show on a terminal. JSON.stringify escapes only some of the control characters. */
function toJson (value: object): string {
  return escapeControls(JSON.stringify(value))
}

/**
 * Writes a text. Resolves when the stream has accepted the text.
 *
 * @throws {ReaderGoneError} if the program that reads the stream has ended
 */
function write (stream: OutputStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error == null) resolve()
      else reject((error as { code?: unknown }).code === 'EPIPE' ? new ReaderGoneError() : error)
    })
  })
}
