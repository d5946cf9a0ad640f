import type { FastifyRequest } from 'fastify'
import type { ChangeSource } from '../events.js'
import { adminOf } from '../hooks/admin.js'

/** Returns the source that the event of a change names: the request, and the admin who sent the request. */
export function changeSourceOf (request: FastifyRequest): ChangeSource {
  const { id: requestId, ip } = request
  const { actor } = adminOf(request)
  return actor === undefined ? { requestId, ip } : { requestId, ip, actor }
}
