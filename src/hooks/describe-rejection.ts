import type { FastifyRequest } from 'fastify'
import type { Rejection } from '../events.js'

/** Returns the members of a request that the event of its rejection holds. */
export function describeRejection ({ id, ip, method, routeOptions }: FastifyRequest): Rejection {
  return { requestId: id, method, route: routeOptions.url, ip }
}
