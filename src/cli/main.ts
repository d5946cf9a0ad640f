import { version } from '../version.js'
import type { Cli, Process } from './cli.js'
import { ReaderGoneError, UsageError, type NotDoneError } from './cli-errors.js'
import { isGroup } from './command.js'
import { commands } from './commands/index.js'
import { describeError } from './describe-error.js'
import { helpOf, programName } from './help.js'
import { ignore } from './ignore.js'
import { createOutput, type Output } from './output.js'
import { findCommand, parseCall } from './parse.js'

/**
 * Runs the command that the arguments name. Returns the exit code: 0 if the command is done, 1 if not, 2 for wrong
 * usage.
 */
export async function main (argv: readonly string[], process: Process): Promise<number> {
  // `write` reports the error of each write. Without these listeners, the `error` event of a stream would end the
  // process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignore)
  const isJson = argv.includes('--json')
  const output = createOutput(process.stdout, process.stderr, isJson)
  const exitCode = await runAndClose(argv, process, output).catch((error) => report(error, output, isJson))
  for (const stream of [process.stdout, process.stderr]) stream.removeListener('error', ignore)
  return exitCode
}

async function runAndClose (argv: readonly string[], process: Process, output: Output): Promise<number> {
  const deferred: Array<() => unknown> = []
  const errors: unknown[] = []
  const keep = (error: unknown) => errors.push(error)
  const exitCode = await run(argv, { process, output, defer: (task) => { deferred.unshift(task) } }).catch(keep)
  // Each task runs, even if the command or another task has failed. The caller gets the first error, which tells the
  // reason.
  for (const task of deferred) await Promise.resolve().then(task).catch(keep)
  if (errors.length > 0) throw errors[0]
  return exitCode
}

async function run (argv: readonly string[], cli: Cli): Promise<number> {
  // `help user create` is the same as `user create --help`.
  const { words, entry, rest } = findCommand(commands, argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv)
  const help = helpOf(commands, words, entry)
  if (entry === undefined || isGroup(entry)) {
    if (rest[0] === '--help' || rest[0] === '-h') return printed(cli.output.text(help))
    if (rest[0] === '--version') return printed(cli.output.text(`${version}\n`))
    if (rest[0] !== undefined) throw new UsageError('Write the command first, and its options after it')
    await cli.output.error(help)
    return 2
  }
  try {
    const { args, values } = parseCall(entry, rest)
    if (values.help === true) return printed(cli.output.text(help))
    return await entry.run(cli, { args, values }) === 'not done' ? 1 : 0
  } catch (error) {
    const described = describeError(error, entry)
    if (!(described instanceof UsageError)) throw described
    const help = `Help: npx ${[programName, ...words].join(' ')} --help`
    throw new UsageError(`${described.message.replace(/(?<![.?])$/, '.')} ${help}`, { cause: described.cause })
  }
}

async function printed (writing: Promise<void>): Promise<number> {
  await writing
  return 0
}

/** Prints an error, and returns the exit code. */
async function report (error: NotDoneError & { cause?: { code?: unknown } }, output: Output, isJson: boolean) {
  if (error instanceof ReaderGoneError) return 0
  const { message, cause, exitCode = 1 } = error
  await output.note(isJson ? JSON.stringify({ code: cause?.code, message }) : `${programName}: ${message}`)
  return exitCode
}
