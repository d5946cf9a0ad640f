import { InvalidOptionError } from '../errors.js'
import { read, report } from './read.js'

/**
 * Returns the integer that Vexa's clients use as the id of a user or token: `12` for `user-12`.
 *
 * @throws {InvalidOptionError} 500 if the key in the id is not an integer up to 2^53
 */
export function toNumber (id: string): number {
  const [, digits] = /^[a-z]+-(\d{1,16})$/.exec(id) ?? []
  const number = Number(digits)
  if (Number.isSafeInteger(number)) return number
  throw new InvalidOptionError('vexaCompatibility needs a storage whose keys are integers up to 2^53')
}

/**
 * Returns the id for the integer in a parameter of the path: `user-7` for `7`.
 *
 * @throws {DetailError} 422 if the parameter is not an integer
 */
export function readId (kind: 'user' | 'token', parameter: string): string {
  const msg = 'Input should be a valid integer, unable to parse string as an integer'
  return read((input, loc, issues) => toId(kind, input) ?? report(issues, 'int_parsing', loc, msg, input),
    parameter, ['path', `${kind}_id`])
}

/** Returns the id with this number, such as `user-7`. Returns `undefined` if the value is not an integer. */
export function toId (kind: 'user' | 'token', number: unknown): string | undefined {
  const [, digits] = /^\+?0*(-?\d+)$/.exec(String(number)) ?? []
  return digits === undefined ? undefined : `${kind}-${digits}`
}
