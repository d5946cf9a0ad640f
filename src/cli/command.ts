import type { Cli } from './cli.js'
import type { Options, Values } from './options.js'

/** A command of the command line. Both the parser and the help use this object. */
export interface Command<O extends Options = any, A extends readonly string[] = any> {
  /** The sentence that the list of commands shows, without a full stop. */
  readonly summary: string
  /** More sentences for the help of the command. */
  readonly details?: string
  /** The names of the arguments in their order. An argument is optional if its name is in square brackets: `[FILE]`. */
  readonly arguments: A
  /** The message for too many arguments. @default a general message */
  readonly surplus?: string
  /** The options besides `--json` and `--help`, which each command has. */
  readonly options: O
  /** At least one example: a sentence that says what the example does, and the line to type. */
  readonly examples: ReadonlyArray<readonly [sentence: string, line: string]>
  /**
   * Runs the command. Returns `'not done'` if the exit code must be 1, and the output tells the reason already.
   *
   * @throws {NotDoneError} if the command cannot be done
   * @throws {UsageError} if an argument or option is wrong
   */
  run (cli: Cli, invocation: Invocation<O, A>): Promise<void | 'not done'>
}

/** The arguments and the values of the options in one call of a command. */
export interface Invocation<O extends Options, A extends readonly string[]> {
  readonly args: { readonly [I in keyof A]: A[I] extends `[${string}` ? string | undefined : string }
  readonly values: Values<O>
}

/** Commands that begin with the same word, such as `user create` and `user list`. */
export interface Group {
  readonly summary: string
  readonly commands: Readonly<Record<string, Command>>
}

/** The commands and groups by their first word. */
export type CommandTable = Readonly<Record<string, Command | Group>>

/** Returns a command. The compiler checks that `run` uses only the arguments and options that the command has. */
export function defineCommand<const O extends Options, const A extends readonly string[]> (
  command: Command<O, A>
): Command<O, A> {
  return command
}

/** Returns whether an entry of the table is a group. */
export function isGroup (entry: Command | Group): entry is Group {
  return 'commands' in entry
}
