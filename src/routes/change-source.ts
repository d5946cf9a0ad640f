import type { FastifyRequest } from 'fastify'
import type { ChangeSource } from '../events.js'
import { requestActor } from '../hooks/require-admin.js'

/** Returns who asks for a change, for the events that tell of it. */
export function changeSourceOf (request: FastifyRequest): ChangeSource {
  const { id: requestId, ip } = request
  const actor = request.getDecorator<string | undefined>(requestActor)
  return actor === undefined ? { requestId, ip } : { requestId, ip, actor }
}
