import fp from 'fastify-plugin'
import type { FastifyPluginAsync } from 'fastify'
import { requireAdminKey, requireAuthorized } from './hooks/require-admin.js'
import { requireSameOrigin } from './hooks/same-origin.js'
import { createRequireToken, type RequireTokenOptions, type RequireTokenHook } from './hooks/require-token.js'
import { publisher } from './events.js'
import { resolveOptions, type VexaAdminOptions } from './options.js'
import { collectOperationIds } from './routes/openapi-transform.js'
import { adminRoutes } from './routes/index.js'
import type { Token } from './schemas/tokens.js'
import type { User } from './schemas/users.js'
import { publicTokens, publicUsers } from './services/public-services.js'
import { withFaults } from './storage/decorators/faults.js'
import { withTokenCache } from './storage/decorators/token-cache.js'
import { createLastUsed } from './storage/decorators/last-used.js'
import { createTokenService, type TokenService } from './services/tokens.js'
import { createUserService, type UserService } from './services/users.js'
import { toOpenError } from './storage/open-error.js'
import { locationOf } from './storage/sql/sqlite-storage.js'

/** What the plugin adds to the app. */
export interface VexaAdmin {
  readonly users: UserService
  readonly tokens: TokenService
  /** Makes a hook for routes of the app, `onRequest` or later, that lets nobody in without a valid API token. */
  requireToken (options?: RequireTokenOptions): RequireTokenHook
}

declare module 'fastify' {
  interface FastifyInstance {
    vexaAdmin: VexaAdmin
  }
  interface FastifyRequest {
    /** Whose token it is. Set by `requireToken`; `null` on routes without. */
    apiUser: User
    /** The token, its value hidden. Set by `requireToken`; `null` on routes without. */
    apiToken: Token
  }
}

const plugin: FastifyPluginAsync<VexaAdminOptions> = async (fastify, opts) => {
  const options = resolveOptions(opts)
  const stored = withFaults(options.storage, options.storageTimeout)
  const storage = options.tokenCacheTtl === 0 ? stored : withTokenCache(stored, options.tokenCacheTtl)
  const lastUsed = createLastUsed(options.storage, options.storageTimeout, (err) => fastify.log.warn({ err }, 'last_used_at cannot be written now'))
  const publish = publisher(fastify.prefix.replace(/\/$/, '') + options.prefix)
  const users = createUserService(storage, publish, options)
  const tokens = createTokenService(storage, publish, lastUsed, options)

  fastify.decorate('vexaAdmin', {
    users: publicUsers(users),
    tokens: publicTokens(tokens),
    requireToken: createRequireToken(tokens, options.scopes, publish)
  })
  for (const name of ['apiUser', 'apiToken']) {
    // A scope around this one may have them already, for a registration of its own.
    if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name, null)
  }

  // Before opening, so that a start that fails halfway leaves nothing open.
  fastify.addHook('onClose', async () => {
    await lastUsed.close()
    try {
      await storage.close()
    } catch (err) {
      // That is no reason to fail the end of the app.
      fastify.log.warn({ err }, 'The storage cannot be closed')
    }
  })
  try {
    await options.storage.open()
  } catch (cause) {
    throw toOpenError(cause)
  }
  const location = locationOf(options.storage)
  if (location === ':memory:') fastify.log.info('Users and tokens are kept in memory, and are gone when the app closes')
  else if (location !== undefined) fastify.log.info(`Users and tokens are kept in ${location}`)

  const operationIds = collectOperationIds(fastify)
  await fastify.register(adminRoutes, {
    prefix: options.prefix,
    authenticate: options.authorize ? requireAuthorized(options.authorize, publish) : requireAdminKey(options.adminKeys, publish),
    // No browser adds an admin key by itself, as it does a cookie.
    sameOrigin: options.authorize && requireSameOrigin(options.trustedOrigins, publish),
    users,
    tokens,
    scopes: options.scopes,
    duplicateEmail: options.duplicateEmail,
    documented: { hide: options.hide, adminKey: options.authorize === undefined, operationIds }
  })
}

/**
 * The admin API for users and API tokens.
 *
 * @example
 * await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
 */
export const vexaAdmin = fp(plugin, { name: 'fastify-vexa-admin', fastify: '5.x' })
