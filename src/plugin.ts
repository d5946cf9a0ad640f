import fp from 'fastify-plugin'
import type { FastifyPluginAsync } from 'fastify'
import { adminKeyGuard, authorizeGuard } from './guards/admin.js'
import { resolveOptions, type VexaAdminOptions } from './options.js'
import { adminRoutes } from './routes/index.js'
import { withStorageFaults } from './services/storage-faults.js'
import { createTokenService, type TokenService } from './services/tokens.js'
import { createUserService, type UserService } from './services/users.js'

/** What the plugin adds to the app. */
export interface VexaAdmin {
  readonly users: UserService
  readonly tokens: TokenService
}

declare module 'fastify' {
  interface FastifyInstance {
    vexaAdmin: VexaAdmin
  }
}

const plugin: FastifyPluginAsync<VexaAdminOptions> = async (fastify, opts) => {
  const options = resolveOptions(opts)
  const storage = withStorageFaults(options.storage)
  const users = createUserService(storage, options)
  const tokens = createTokenService(storage, options)
  const { createOrReturn, ...publicUsers } = users

  fastify.decorate('vexaAdmin', { users: publicUsers, tokens })

  // Before opening, so that a start that fails halfway leaves nothing open.
  fastify.addHook('onClose', () => options.storage.close())
  await options.storage.open()

  await fastify.register(adminRoutes, {
    prefix: options.prefix,
    guard: options.authorize ? authorizeGuard(options.authorize) : adminKeyGuard(options.adminKeys),
    users,
    tokens
  })
}

/**
 * The admin API for users and API tokens.
 *
 * @example
 * await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
 */
export const vexaAdmin = fp(plugin, { name: 'fastify-vexa-admin', fastify: '5.x' })
