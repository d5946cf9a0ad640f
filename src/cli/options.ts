import { findJsonLoss } from '../schemas/lossless-json.js'
import { UsageError } from './cli-errors.js'
import { readTime } from './times.js'

/** An option of a command. `T` is the type of its value. */
export interface Option<T = unknown> {
  /** The word that stands for the value in the help, such as `FILE`. Absent if the option takes no value. */
  readonly placeholder?: string
  readonly description: string
  /** Whether the option may be given several times. */
  readonly repeatable?: boolean
  /**
   * Returns the value of the option. `texts` has one text for each time that the option was given, at least one.
   *
   * @throws {UsageError} if a text is not valid
   */
  read (texts: readonly string[]): T
}

export type Options = Readonly<Record<string, Option>>

/** The values of options by their names. An option that was not given is absent. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]?: (O[Name] extends Option<infer T> ? T : never) | undefined
}

/** Returns an option without a value. */
export function flag (description: string): Option<boolean> {
  return { description, read: () => true }
}

/** Returns an option with one value. `convert` returns the value for the text that was given. */
export function option<T> (placeholder: string, description: string, convert: (text: string) => T): Option<T> {
  return { placeholder, description, read: ([text]) => convert(text as string) }
}

/** Returns an option with one text. */
export function text (placeholder: string, description: string): Option<string> {
  return option(placeholder, description, (text) => text)
}

/**
 * Returns an option with one or more texts. A person may repeat the option, or write several texts with commas between.
 */
export function list (placeholder: string, description: string): Option<string[]> {
  return {
    placeholder,
    description: `${description}. Repeat the option, or separate by commas`,
    repeatable: true,
    read: (texts) => [...new Set(texts.flatMap((text) => text.split(',')))]
  }
}

/**
 * Returns an option with one or more regular expressions. An expression may be written with slashes and flags:
 * `/key/i`.
 */
export function forms (placeholder: string, description: string): Option<RegExp[]> {
  return {
    placeholder,
    description: `${description}. Repeat the option for more forms`,
    repeatable: true,
    read: (texts) => texts.map((text) => {
      try {
        const [, source = text, flags] = /^\/(.*)\/([a-z]*)$/.exec(text) ?? []
        return new RegExp(source, flags)
      } catch {
        throw new UsageError('Expected a regular expression, such as /sk_live_[0-9a-f]{40}/ or with a flag: /key\\d+/i')
      }
    })
  }
}

/** Returns an option with a whole number. */
export function integer (placeholder: string, description: string, min = 0, max = 2147483647): Option<number> {
  return option(placeholder, description, (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (!(number >= min && number <= max)) throw new UsageError(`Expected a whole number from ${min} to ${max}`)
    return number
  })
}

/** Returns an option with one of these texts. */
export function choice<const Name extends string> (
  names: readonly Name[], description: string, placeholder = names.join('|')
): Option<Name> {
  return option(placeholder, description, (text) => {
    const found = names.find((name) => name === text)
    if (found === undefined) throw new UsageError(`Expected ${names.join(' or ')}`)
    return found
  })
}

/** Returns an option with a JSON object. */
export function json (description: string): Option<Record<string, unknown>> {
  return option('JSON', description, (text) => {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      // The value stays `undefined`, so the next check throws.
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UsageError('Expected a JSON object, such as \'{"plan":"pro"}\'')
    }
    const loss = findJsonLoss(text)
    if (loss !== undefined) throw new UsageError(`The object ${loss}`)
    return value as Record<string, unknown>
  })
}

const unitSeconds: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Returns an option with a length of time, in seconds. */
export function duration (description: string): Option<number> {
  return option('DURATION', description, (text) => {
    const [, digits = '', unit = ''] = /^(\d{1,10})([smhdw]?)$/.exec(text) ?? []
    const seconds = digits === '' ? NaN : Number(digits) * (unitSeconds[unit] as number)
    if (!(seconds <= 2147483647)) {
      throw new UsageError('Expected a number of seconds, or a number with a unit: 90s, 15m, 12h, 30d, 4w')
    }
    return seconds
  })
}

/** Returns an option with a time, which the services take as RFC 3339. */
export function time (description: string): Option<string> {
  const forms = '2024-01-01T12:00:00Z, 2024-01-01, now or now-30d'
  return option('TIME', `${description}: ${forms}`, (text) => readTime(text, Date.now()))
}

/**
 * Returns the value of the option `name`, or `other` if the option `opposite` is given.
 *
 * @throws {UsageError} if both are given
 */
export function either<V, Name extends keyof V, Other> (
  values: V, name: Name, opposite: keyof V & string, other: Other
): V[Name] | Other {
  if (!values[opposite]) return values[name]
  if (values[name] !== undefined) throw new UsageError(`Give either --${String(name)} or --${opposite}`)
  return other
}

/** The options that each command has. */
export const commonOptions = {
  json: flag('Print JSON: one value, or one value a line for a list'),
  help: flag('Show this help')
}

/** The options of each command that uses a database. */
export const databaseOptions = {
  database: text('URL', 'The database: sqlite:PATH, postgres://… or mysql://…. ' +
    'Default: the variable DATABASE_URL, or sqlite:vexa-admin.db'),
  'table-prefix': text('PREFIX', 'The prefix of the names of the tables. Default: vexa_'),
  storage: text('FILE', 'A JavaScript module that exports a storage of your own as default, in place of a database')
}

/** The options of each command that changes users or tokens. */
export const changeOptions = {
  actor: text('NAME', 'The actor in the audit trail. Default: cli: and the name of your account'),
  'no-audit': flag('Leave no entry in the audit trail')
}
