import type { FastifyRequest } from 'fastify'
import type { Origin } from '../events.js'
import { actingAdmin } from '../hooks/require-admin.js'

/** Returns who asks for a change, for the events that tell of it. */
export function originOf (request: FastifyRequest): Origin {
  const { id: requestId, ip } = request
  const actor = request.getDecorator<string | undefined>(actingAdmin)
  return actor === undefined ? { requestId, ip } : { requestId, ip, actor }
}
