import type { FastifyRequest } from 'fastify'
import type { ChangeSource } from '../events.js'
import { requestActor } from '../hooks/require-admin.js'

/** Returns the source of a change, for its event: the request and the admin who sent it. */
export function changeSourceOf (request: FastifyRequest): ChangeSource {
  const { id: requestId, ip } = request
  const actor = request.getDecorator<string | undefined>(requestActor)
  return actor === undefined ? { requestId, ip } : { requestId, ip, actor }
}
