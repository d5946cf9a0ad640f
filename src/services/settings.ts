import type { Settings } from '../schemas/settings.js'
import { version } from '../version.js'
import type { TokenServiceOptions } from './tokens.js'
import type { UserServiceOptions } from './users.js'

/**
 * Returns the settings that the API shows to every admin. The settings are frozen, because the app's own code gets the
 * same object.
 */
export function createSettings (
  options: TokenServiceOptions & UserServiceOptions & { audit: object | undefined }
): Omit<Settings, 'key'> {
  return Object.freeze({
    version,
    scopes: Object.freeze([...options.scopes]) as string[],
    token_prefixes: Object.freeze([...options.tokenPrefix]) as string[],
    default_max_concurrent_bots: options.defaultMaxConcurrentBots,
    max_token_lifetime: options.maxTokenLifetime === Infinity ? null : options.maxTokenLifetime,
    audit: options.audit !== undefined
  })
}
