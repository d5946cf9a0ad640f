import { isGroup, type Command, type CommandTable, type Group } from './command.js'
import { commonOptions, type Options } from './options.js'

export const programName = 'fastify-vexa-admin'
const typed = `npx ${programName}`

/** Returns the help of a command, of a group, or of all commands. */
export function helpOf (table: CommandTable, words: readonly string[], entry?: Command | Group): string {
  if (entry === undefined) return helpOfTable(table)
  return isGroup(entry) ? helpOfGroup(words, entry) : helpOfCommand(words, entry)
}

function helpOfTable (table: CommandTable): string {
  const names = Object.entries(table).flatMap(([word, entry]): Array<[string, string]> => isGroup(entry)
    ? Object.entries(entry.commands).map(([second, command]) => [usageOf([word, second], command), command.summary])
    : [[usageOf([word], entry), entry.summary]])
  return sections(
    ['', [`Manages the users and API tokens of an app with ${programName}, without the app.`]],
    ['Usage', [`${typed} COMMAND [OPTIONS]`]],
    ['Commands', columns(names)],
    ['Options', columns([['-h, --help', 'Show the help, also after a command'], ['--version', 'Show the version']])],
    ['Database', [
      'Commands use the database of --database URL or DATABASE_URL, by default sqlite:vexa-admin.db:',
      '  sqlite:PATH                            a file of SQLite',
      '  postgres://USER:PASSWORD@HOST/DATABASE PostgreSQL, with the package pg',
      '  mysql://USER:PASSWORD@HOST/DATABASE    MySQL or MariaDB, with the package mysql2',
      'Put a URL with a password into DATABASE_URL, because other users of the machine can see arguments.'
    ]],
    ['Exit code', ['0: done. 1: not done, and stderr says why. 2: wrong usage.']]
  )
}

function helpOfGroup (words: readonly string[], group: Group): string {
  const commands = Object.entries(group.commands)
  return sections(
    ['', [`${group.summary}.`]],
    ['Usage', [`${[typed, ...words].join(' ')} COMMAND [OPTIONS]`]],
    ['Commands', columns(commands.map(([word, command]) => [usageOf([word], command), command.summary]))],
    ['Examples', commands.flatMap(([, { examples }]) => examplesOf(examples.slice(0, 1)))],
    ['', [`${[typed, ...words].join(' ')} COMMAND --help shows the options of a command.`]]
  )
}

function helpOfCommand (words: readonly string[], command: Command): string {
  return sections(
    ['', [`${command.summary}.`, ...wrap(command.details ?? '', 88)]],
    ['Usage', [`${typed} ${usageOf(words, command)} [OPTIONS]`]],
    ['Options', columns(Object.entries({ ...command.options, ...commonOptions } as Options).map(describe))],
    ['Examples', examplesOf(command.examples)]
  )
}

function usageOf (words: readonly string[], command: Command): string {
  return [...words, ...command.arguments].join(' ')
}

function describe ([name, { placeholder, description }]: [string, Options[string]]): [string, string] {
  return [`${name === 'help' ? '-h, ' : ''}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`, description]
}

function examplesOf (examples: Command['examples']): string[] {
  return examples.flatMap(([sentence, line]) => [`# ${sentence}`, line])
}

/** Returns lines with two columns. The right column is wrapped. */
function columns (rows: ReadonlyArray<readonly [string, string]>): string[] {
  const width = Math.min(28, Math.max(...rows.map(([left]) => left.length)))
  return rows.flatMap(([left, right]) => {
    const [first = '', ...others] = wrap(right, 88 - width)
    const rest = others.map((line) => `${' '.repeat(width)}  ${line}`)
    return left.length > width
      ? [left, `${' '.repeat(width)}  ${first}`, ...rest]
      : [`${left.padEnd(width)}  ${first}`, ...rest]
  })
}

function wrap (text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`
    if (lines.length === 0 || longer.length > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines.filter((line) => line !== '')
}

function sections (...given: Array<[title: string, lines: string[]]>): string {
  return given.map(([title, lines]) => title === ''
    ? lines.join('\n')
    : `${title}:\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}`).join('\n\n') + '\n'
}
