import type { onErrorHookHandler } from 'fastify'
import { StorageUnavailableError } from '../errors.js'
import { adviceOn } from '../schemas/error-replies.js'

/** Adds `Retry-After` to each 503, and removes the stacks of errors. Replaces messages that do not say what to do. */
export const prepareError: onErrorHookHandler = (request, reply, error, next) => {
  // Fastify replies 503 if the app's `handlerTimeout` ends before the storage answers.
  const isUnavailable = error instanceof StorageUnavailableError || error.code === 'FST_ERR_HANDLER_TIMEOUT'
  if (isUnavailable) reply.header('retry-after', '1')
  // A stack would put file paths into the log. These errors have a stack: errors of Fastify, of an aborted request, and
  // of a wrong result of `authorize`.
  if (/^(FST|VEXA_ADMIN)_/.test(error.code) || error === request.raw.errored) delete error.stack
  const advice = adviceOn(error)
  if (advice !== undefined) error.message = advice
  next()
}
