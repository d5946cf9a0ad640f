import type { Settings } from '../schemas/settings.js'
import { version } from '../version.js'
import type { TokenServiceOptions } from './tokens.js'
import type { UserServiceOptions } from './users.js'

/** Returns the settings that the API shows to every admin. */
export function createSettings (options: TokenServiceOptions & UserServiceOptions): Omit<Settings, 'key'> {
  return {
    version,
    scopes: [...options.scopes],
    token_prefixes: [...options.tokenPrefix],
    default_max_concurrent_bots: options.defaultMaxConcurrentBots,
    max_token_lifetime: options.maxTokenLifetime === Infinity ? null : options.maxTokenLifetime,
    audit: false
  }
}
