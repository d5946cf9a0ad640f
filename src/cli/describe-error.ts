import { DatabaseNotMigratedError, InvalidInputError, InvalidOptionError, StorageUnavailableError } from '../errors.js'
import { NotDoneError, ReaderGoneError, UsageError } from './cli-errors.js'
import type { Command } from './command.js'

/** Returns an error whose message is a sentence for the person who typed the command. */
export function describeError (error: unknown, command: Command): Error {
  if (error instanceof NotDoneError || error instanceof ReaderGoneError) return error
  const message = error instanceof Error ? error.message : String(error)
  const cause = { cause: error }
  if (error instanceof InvalidInputError) return new UsageError(nameOption(message, command), cause)
  // The message of an error at boot begins with the name of the package. The command line adds this name to each
  // message.
  const sentence = message.replace(/^fastify-vexa-admin: /, '')
  if (error instanceof DatabaseNotMigratedError) {
    return new NotDoneError(`${sentence}, with npx fastify-vexa-admin migrate`, cause)
  }
  if (error instanceof InvalidOptionError) return new UsageError(sentence, cause)
  if (error instanceof StorageUnavailableError && error.storageCode !== undefined) {
    return new NotDoneError(`${sentence} (${error.storageCode})`, cause)
  }
  return new NotDoneError(sentence, cause)
}

/**
 * Replaces the name or path of a member at the start of a message by the option or argument that sets the member. So
 * `expires_in` becomes `--expires-in`.
 */
function nameOption (message: string, { arguments: names, options }: Command): string {
  const [member = ''] = /^[a-z_]+/.exec(message) ?? []
  const option = member.replaceAll('_', '-')
  if (Object.hasOwn(options, option)) return `--${option}${message.slice(member.length)}`
  return message.replace(/^\/([a-z_]+)\S*/, (_path, member: string) => {
    const argument = member.toUpperCase()
    return names.includes(argument) ? `${argument}:` : `--${member.replaceAll('_', '-')}:`
  })
}
