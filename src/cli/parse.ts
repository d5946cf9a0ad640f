import { parseArgs } from 'node:util'
import { UsageError } from './cli-errors.js'
import { isGroup, type Command, type CommandTable, type Group } from './command.js'
import { commonOptions, type Options } from './options.js'
import { suggest } from './suggest.js'

/** The command or group that the first words of the arguments name. */
export interface Found {
  readonly words: readonly string[]
  /** Absent if the arguments do not begin with a word. */
  readonly entry?: Command | Group
  /** The arguments after `words`. */
  readonly rest: readonly string[]
}

/**
 * Returns the command or group that the first arguments name.
 *
 * @throws {UsageError} if there is no such command
 */
export function findCommand (table: CommandTable, argv: readonly string[]): Found {
  const [first, second] = argv
  if (first === undefined || first.startsWith('-')) return { words: [], rest: argv }
  const entry = lookUp(first, table, [])
  if (!isGroup(entry) || second === undefined || second.startsWith('-')) {
    return { words: [first], entry, rest: argv.slice(1) }
  }
  return { words: [first, second], entry: lookUp(second, entry.commands, [first]), rest: argv.slice(2) }
}

function lookUp<T> (word: string, entries: Readonly<Record<string, T>>, words: readonly string[]): T {
  if (Object.hasOwn(entries, word)) return entries[word] as T
  const known = suggest(word, Object.keys(entries)) || ` The commands are: ${Object.keys(entries).join(', ')}`
  throw new UsageError(`Unknown command${quote([...words, word].join(' '))}.${known}`)
}

/**
 * Returns a word in quotes for a message. Returns an empty text if the word may be a secret that was given by mistake.
 */
function quote (word: string): string {
  return /^[a-z -]{1,24}$/.test(word) ? ` "${word}"` : ''
}

/**
 * Returns the name of an option for a message. Returns an empty text if the name may be a secret that was given by
 * mistake.
 */
function repeatOption (name: string): string {
  return /^--?[a-z][a-z-]{0,23}$/.test(name) ? ` ${name}` : ''
}

/**
 * Returns the arguments and options of a call. No message repeats an argument or a value, because it may be a secret.
 *
 * @throws {UsageError} if an argument or option is wrong
 */
export function parseCall (
  command: Command, argv: readonly string[]
): { args: Array<string | undefined>, values: Record<string, unknown> } {
  const options: Options = { ...command.options, ...commonOptions }
  const { tokens } = parseArgs({
    args: [...argv],
    // This function reports errors itself, because an error of `parseArgs` may repeat a value.
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(Object.entries(options).map(([name, { placeholder }]) => [name, {
      type: placeholder === undefined ? 'boolean' : 'string',
      ...name === 'help' && { short: 'h' }
    }]))
  })
  const args: string[] = []
  const given = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const option = Object.hasOwn(options, name) ? options[name] : undefined
    if (option === undefined) {
      const names = Object.keys(options).map((name) => `--${name}`)
      throw new UsageError(`Unknown option${repeatOption(rawName)}.${suggest(rawName, names)}`)
    }
    const texts = given.get(name) ?? []
    given.set(name, [...texts, value ?? ''])
    if (option.placeholder === undefined) {
      if (inlineValue) throw new UsageError(`${rawName} takes no value`)
      continue
    }
    if (value === undefined) throw new UsageError(`${rawName} needs a value: ${rawName} ${option.placeholder}`)
    // If a person forgot the value, `value` is the next option.
    if (!inlineValue && /^-./.test(value)) {
      throw new UsageError(`${rawName} needs a value. If the value begins with a hyphen, write ${rawName}=…`)
    }
    if (texts.length > 0 && option.repeatable !== true) throw new UsageError(`${rawName} is given twice`)
  }
  const values = Object.fromEntries([...given].map(([name, texts]) => [name, read(options, name, texts)]))
  if (values.help === undefined) checkCount(command, args.length)
  return { args, values }
}

function read (options: Options, name: string, texts: readonly string[]): unknown {
  try {
    return options[name]?.read(texts)
  } catch (error) {
    throw new UsageError(`--${name}: ${(error as Error).message}`)
  }
}

function checkCount ({ arguments: names, surplus }: Command<Options, string[]>, count: number): void {
  const missing = names.slice(count).find((name) => !name.startsWith('['))
  if (missing !== undefined) throw new UsageError(`Missing argument ${missing}`)
  if (count > names.length) {
    const expected = names.length === 0 ? 'no arguments' : `only ${names.join(' ')}`
    throw new UsageError(surplus ??
      `Too many arguments: the command takes ${expected}. Put quotes around text with spaces`)
  }
}
