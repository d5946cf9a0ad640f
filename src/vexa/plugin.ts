import type { FastifyPluginAsync } from 'fastify'
import { createPublisher } from '../events.js'
import { adminScope } from '../hooks/require-admin.js'
import { useVexaBodies } from './bodies.js'
import { checkApp } from './check-app.js'
import { replyWithDetail } from './detail-error.js'
import { createGuards } from './guards.js'
import type { VexaContext } from './context.js'
import { resolveVexaOptions, type VexaCompatibilityOptions } from './options.js'
import { adminClaimRoutes } from './routes/admin-claim.js'
import { membershipRoutes } from './routes/memberships.js'
import { statusRoutes } from './routes/status.js'
import { tokenRoutes } from './routes/tokens.js'
import { userRoutes } from './routes/users.js'
import { validateRoutes } from './routes/validate.js'
import { webhookRoutes } from './routes/webhook.js'
import { createShapes } from './shapes.js'

/**
 * The HTTP API of Vexa's own admin service, for Vexa's clients. This is a second Fastify plugin, which uses
 * `app.vexaAdmin`.
 *
 * @example
 * const scopes = ['bot', 'tx', 'browser']
 * const tokenPrefix = ['vxa_bot_', 'vxa_tx_', 'vxa_browser_']
 * await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY, prefix: '/api/admin', scopes, tokenPrefix })
 * await app.register(vexaCompatibility, { adminKey: process.env.ADMIN_API_TOKEN })
 */
export const vexaCompatibility: FastifyPluginAsync<VexaCompatibilityOptions> = async (fastify, opts) => {
  const options = resolveVexaOptions(opts)
  checkApp(fastify)
  const { users, tokens } = fastify.vexaAdmin
  const { adminKey, internalSecret, strict } = options
  const publish = createPublisher(fastify.prefix)

  // With this decorator, a hook of requireToken in an enclosing scope skips these routes, which check keys and tokens
  // themselves.
  fastify.decorate(adminScope, true)
  fastify.setErrorHandler(replyWithDetail)
  // This replaces a serializer of the app, which could change the replies.
  fastify.setReplySerializer((payload) => JSON.stringify(payload))
  useVexaBodies(fastify)
  fastify.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })

  const context: VexaContext = {
    users,
    tokens,
    guards: createGuards(options, tokens, publish),
    shapes: createShapes(strict),
    strict,
    admin: { actor: adminKey.actor },
    internal: { actor: internalSecret?.actor }
  }
  for (const register of [
    statusRoutes, userRoutes, tokenRoutes, validateRoutes, adminClaimRoutes, membershipRoutes, webhookRoutes
  ]) register(fastify, context)
}
