import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { adminOf } from '../hooks/admin.js'
import { needs } from '../hooks/require-permission.js'
import { errorReplies, readErrors } from '../schemas/error-replies.js'
import { NoQuery } from '../schemas/primitives.js'
import { Settings } from '../schemas/settings.js'
import type { RouteOptions } from './index.js'

/** Registers the route of the settings. */
export const settingsRoutes: FastifyPluginAsyncTypebox<RouteOptions> = async (fastify, { settings }) => {
  fastify.get('/settings', {
    exposeHeadRoute: true,
    config: needs('any'),
    schema: {
      operationId: 'getSettings',
      tags: ['Settings'],
      summary: 'Get the settings of the API and the permissions of the admin key',
      description: 'Every admin key may call this route. No permission is necessary.',
      querystring: NoQuery,
      response: { 200: Settings, ...errorReplies(...readErrors) }
    }
  }, async (request) => {
    const { name, permissions } = adminOf(request)
    return { ...settings, key: { name, permissions: [...permissions] } }
  })
}
