import fp from 'fastify-plugin'
import type { FastifyPluginAsync } from 'fastify'
import { createServices } from './create-services.js'
import { createPublisher } from './events.js'
import { requireAdminKey, requireAuthorized } from './hooks/require-admin.js'
import { requirePermission } from './hooks/require-permission.js'
import { createRequireToken } from './hooks/require-token.js'
import { requireSameOrigin } from './hooks/same-origin.js'
import type { VexaAdminOptions } from './options.js'
import { resolveOptions } from './resolve-options.js'
import { collectOperationIds } from './routes/openapi-transform.js'
import { adminRoutes } from './routes/index.js'
import { publicServices } from './services/public-services.js'
import { createSettings } from './services/settings.js'
import { locationOf } from './storage/sql/sqlite-storage.js'

const plugin: FastifyPluginAsync<VexaAdminOptions> = async (fastify, opts) => {
  const options = resolveOptions(opts)
  if (options.console) {
    // The import is dynamic, so that an app without the console loads neither the code nor the files of the console.
    const { consoleRoutes } = await import('./routes/console.js')
    await fastify.register(consoleRoutes, { prefix: `${options.prefix}/console` })
  }
  const publish = createPublisher(fastify.prefix.replace(/\/$/, '') + options.prefix)
  const services = createServices(options, publish,
    (message, err) => fastify.log.warn({ err }, message))
  const { users, tokens, audit } = services
  const settings = createSettings(options)

  fastify.decorate('vexaAdmin', {
    ...publicServices(services),
    settings,
    requireToken: createRequireToken(tokens, options.scopes, publish)
  })
  for (const name of ['apiUser', 'apiToken']) {
    // A registration in an enclosing scope may have added the decorator already.
    if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name, null)
  }

  // The hook is added before the storage opens, so that the storage is also closed if the start of the app fails later.
  fastify.addHook('onClose', async () => {
    try {
      await services.close()
    } catch (err) {
      // An error of the storage must not prevent the app from closing.
      fastify.log.warn({ err }, 'The storage cannot be closed')
    }
  })
  await services.open()
  const location = locationOf(options.storage)
  if (location === ':memory:') fastify.log.info('Users and tokens are kept in memory, and are gone when the app closes')
  else if (location !== undefined) fastify.log.info(`Users and tokens are kept in ${location}`)

  const operationIds = collectOperationIds(fastify)
  await fastify.register(adminRoutes, {
    prefix: options.prefix,
    authenticate: options.authorize
      ? requireAuthorized(options.authorize, publish)
      : requireAdminKey(options.adminKeys, publish),
    // Only `authorize` needs this hook, because a browser adds cookies to a request by itself, but never an admin key.
    sameOrigin: options.authorize && requireSameOrigin(options.trustedOrigins, publish),
    requirePermission: requirePermission(publish),
    users,
    tokens,
    audit,
    settings,
    scopes: options.scopes,
    tokenPrefix: options.tokenPrefix,
    maxTokenLifetime: options.maxTokenLifetime,
    duplicateEmail: options.duplicateEmail,
    maxDataSize: options.maxDataSize,
    documented: { hide: options.hide, adminKey: options.authorize === undefined, operationIds }
  })
}

/**
 * The admin API for users and their API tokens, as a Fastify plugin.
 *
 * @example
 * await app.register(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
 */
export const vexaAdmin = fp(plugin, { name: 'fastify-vexa-admin', fastify: '5.x' })
