import type { onErrorHookHandler } from 'fastify'
import { StorageUnavailableError } from '../errors.js'
import { adviceOn } from '../schemas/error-replies.js'

export const prepareError: onErrorHookHandler = (request, reply, error, next) => {
  // Fastify's own 503 is that of its `handlerTimeout`, of a host that waits for less long than the storage may take.
  if (error instanceof StorageUnavailableError || error.code === 'FST_ERR_HANDLER_TIMEOUT') reply.header('retry-after', '1')
  // Whoever logs the error next need not log paths. Fastify's own errors about a request come with a stack, and so does that of one that broke off.
  if (/^(FST|VEXA_ADMIN)_/.test(error.code) || error === request.raw.errored) delete error.stack
  const advice = adviceOn(error)
  if (advice !== undefined) error.message = advice
  next()
}
