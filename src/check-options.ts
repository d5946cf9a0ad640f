import { InvalidOptionError } from './errors.js'

/** @throws {InvalidOptionError} with this message, if the condition does not hold */
export function check (condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvalidOptionError(message)
}

/**
 * A misspelt option would silently be a missing one.
 *
 * @throws {InvalidOptionError} if an option has none of these names
 */
export function checkOptionNames (options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  check(unknown === undefined, `there is no option \`${unknown}\``)
}
