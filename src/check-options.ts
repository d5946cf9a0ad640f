import { InvalidOptionError } from './errors.js'

/** @throws {InvalidOptionError} with this message if the condition is false */
export function check (condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvalidOptionError(message)
}

/**
 * Checks that an object has only the named options. Without this check, a misspelt option would be ignored silently.
 *
 * @throws {InvalidOptionError} if there is an unknown option. The message names the first unknown option
 */
export function checkOptionNames (options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  check(unknown === undefined, `there is no option \`${unknown}\``)
}
