import type { Readable } from 'node:stream'
import { NotDoneError, UsageError } from './cli-errors.js'
import type { Output, OutputStream } from './output.js'

/** The members of Node's `process` that the command line uses. */
export interface Process {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable & { isTTY?: boolean | undefined }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  cwd (): string
  once (signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  removeListener (signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** The process and the output of a command. */
export interface Cli {
  readonly process: Process
  readonly output: Output
  /**
   * Registers a task that runs when the command ends, such as closing the database. The task that was registered last
   * runs first.
   */
  defer (task: () => unknown): void
}

/** Maximum number of characters of a line on stdin. Every value of a token and every answer of a person is shorter. */
const longestLine = 64 * 1024

/**
 * Reads the first line of stdin, without white space at its ends. If stdin has no line, returns an empty text.
 *
 * @throws {UsageError} if the line is too long
 */
export async function readLine ({ process: { stdin } }: Cli): Promise<string> {
  let text = ''
  // Leaving the loop closes stdin. If stdin stayed open, the program would wait for the end of the input.
  for await (const piece of stdin.setEncoding('utf8')) {
    text += piece
    if (/[\r\n]/.test(piece) || text.length > longestLine) break
  }
  const line = text.replace(/[\r\n].*/s, '')
  if (line.length > longestLine) throw new UsageError(`The first line on stdin has more than ${longestLine} characters`)
  return line.trim()
}

/**
 * Asks a question if stdin and stderr are terminals, so that a person can answer. Otherwise does nothing.
 *
 * @throws {NotDoneError} if the answer is not `y` or `yes`
 */
export async function confirm (cli: Cli, question: string): Promise<void> {
  if (!cli.process.stdin.isTTY || !cli.process.stderr.isTTY) return
  await cli.output.note(`${question} Type y and press Enter to go on.`)
  if (!/^y(es)?$/i.test(await readLine(cli))) throw new NotDoneError('Nothing has been changed')
}
