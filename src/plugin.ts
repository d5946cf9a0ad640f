import fp from 'fastify-plugin'
import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify'
import { createPublisher } from './events.js'
import { requireAdminKey, requireAuthorized } from './hooks/require-admin.js'
import { requirePermission } from './hooks/require-permission.js'
import { createRequireToken } from './hooks/require-token.js'
import { requireSameOrigin } from './hooks/same-origin.js'
import type { VexaAdminOptions } from './options.js'
import { resolveOptions } from './resolve-options.js'
import { collectOperationIds } from './routes/openapi-transform.js'
import { adminRoutes } from './routes/index.js'
import { publicTokens, publicUsers } from './services/public-services.js'
import { createSettings } from './services/settings.js'
import { createTokenService } from './services/tokens.js'
import { createUserService } from './services/users.js'
import { withFaultGuard } from './storage/decorators/fault-guard.js'
import { createLastUsed } from './storage/decorators/last-used.js'
import { withTokenCache } from './storage/decorators/token-cache.js'
import { toOpenError } from './storage/open-error.js'
import { locationOf } from './storage/sql/sqlite-storage.js'
import type { StorageAdapter } from './storage/storage-adapter.js'

const plugin: FastifyPluginAsync<VexaAdminOptions> = async (fastify, opts) => {
  const options = resolveOptions(opts)
  const publish = createPublisher(fastify.prefix.replace(/\/$/, '') + options.prefix)

  // The fault guard is innermost, so that the cache keeps only checked records. Writes of last uses bypass the guard
  // and the cache: `createLastUsed` makes its own guard.
  const faultless = withFaultGuard(options.storage, options.storageTimeout)
  const storage = options.tokenCacheTtl === 0 ? faultless : withTokenCache(faultless, options.tokenCacheTtl)
  const lastUsed = createLastUsed(options.storage, options.storageTimeout,
    (err) => fastify.log.warn({ err }, 'last_used_at cannot be written now'))
  const users = createUserService(storage, publish, options)
  const tokens = createTokenService(storage, publish, lastUsed, options)

  fastify.decorate('vexaAdmin', {
    users: publicUsers(users),
    tokens: publicTokens(tokens),
    requireToken: createRequireToken(tokens, options.scopes, publish)
  })
  for (const name of ['apiUser', 'apiToken']) {
    // A registration in an enclosing scope may have added the decorator already.
    if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name, null)
  }

  // The hook is added before the storage opens, so that a start that fails halfway leaves nothing open.
  fastify.addHook('onClose', async () => {
    await lastUsed.close()
    try {
      await storage.close()
    } catch (err) {
      // This error must not prevent the app from closing.
      fastify.log.warn({ err }, 'The storage cannot be closed')
    }
  })
  await openStorage(options.storage, fastify.log)

  const operationIds = collectOperationIds(fastify)
  await fastify.register(adminRoutes, {
    prefix: options.prefix,
    authenticate: options.authorize
      ? requireAuthorized(options.authorize, publish)
      : requireAdminKey(options.adminKeys, publish),
    // Only `authorize` needs this hook: browsers add cookies to requests by themselves, but never an admin key.
    sameOrigin: options.authorize && requireSameOrigin(options.trustedOrigins, publish),
    requirePermission: requirePermission(publish),
    users,
    tokens,
    settings: createSettings(options),
    scopes: options.scopes,
    duplicateEmail: options.duplicateEmail,
    maxDataSize: options.maxDataSize,
    documented: { hide: options.hide, adminKey: options.authorize === undefined, operationIds }
  })
}

/** Opens a storage. For a SQLite storage, logs the path of the file, or that the data is in memory. */
async function openStorage (storage: StorageAdapter, log: FastifyBaseLogger): Promise<void> {
  try {
    await storage.open()
  } catch (cause) {
    throw toOpenError(cause)
  }
  const location = locationOf(storage)
  if (location === ':memory:') log.info('Users and tokens are kept in memory, and are gone when the app closes')
  else if (location !== undefined) log.info(`Users and tokens are kept in ${location}`)
}

/**
 * The admin API for users and their API tokens, as a Fastify plugin.
 *
 * @example
 * await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
 */
export const vexaAdmin = fp(plugin, { name: 'fastify-vexa-admin', fastify: '5.x' })
