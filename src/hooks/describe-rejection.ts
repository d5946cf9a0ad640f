import type { FastifyRequest } from 'fastify'
import type { Rejection } from '../events.js'

/** Returns the facts about a rejected request that the event of the rejection contains. */
export function describeRejection ({ id, ip, method, routeOptions }: FastifyRequest): Rejection {
  return { requestId: id, method, route: routeOptions.url, ip }
}
