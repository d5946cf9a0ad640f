import type { FastifyRequest } from 'fastify'
import type { Origin } from '../events.js'
import { actingKey } from '../guards/admin.js'

/** Who asks for a change, for the events that tell of it. */
export function originOf (request: FastifyRequest): Origin {
  const adminKeyFingerprint = request.getDecorator<string | undefined>(actingKey)
  return adminKeyFingerprint === undefined ? { requestId: request.id } : { requestId: request.id, adminKeyFingerprint }
}
