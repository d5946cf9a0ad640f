import type { FastifyRequest } from 'fastify'
import type { Rejection } from '../events.js'

export function describeRejection ({ id, ip, method, routeOptions }: FastifyRequest): Rejection {
  return { requestId: id, method, route: routeOptions.url, ip }
}
