import { randomBytes } from 'node:crypto'
import type { Publish } from './events.js'
import type { ResolvedServiceOptions } from './resolve-options.js'
import { createTokenService, type TokenRouteService } from './services/tokens.js'
import { createUserService, type UserRouteService } from './services/users.js'
import { withFaultGuard } from './storage/decorators/fault-guard.js'
import { createLastUsed } from './storage/decorators/last-used.js'
import { withTokenCache } from './storage/decorators/token-cache.js'
import { toOpenError } from './storage/open-error.js'

/** The services over one storage. */
export interface Services {
  users: UserRouteService
  tokens: TokenRouteService
  /**
   * Resolves if the storage answers now.
   *
   * @throws {StorageUnavailableError} 503 if it does not
   */
  ping (): Promise<void>
  /**
   * Opens the storage.
   *
   * @throws an error of this package, such as StorageOpenError
   */
  open (): Promise<void>
  /**
   * Writes the last uses of tokens and closes the storage.
   *
   * @throws {StorageUnavailableError} if the storage cannot be closed
   */
  close (): Promise<void>
}

/**
 * Creates the services over `options.storage`, which is not open yet. Calls `onUnwritten` if the last uses of tokens
 * cannot be written now.
 */
export function createServices (
  options: ResolvedServiceOptions, publish: Publish, onUnwritten: (fault: unknown) => void
): Services {
  // The fault guard is innermost, so that the cache keeps only checked records. Writes of last uses bypass the guard
  // and the cache: `createLastUsed` makes its own guard.
  const faultless = withFaultGuard(options.storage, options.storageTimeout)
  const storage = options.tokenCacheTtl === 0 ? faultless : withTokenCache(faultless, options.tokenCacheTtl)
  const lastUsed = createLastUsed(options.storage, options.storageTimeout, onUnwritten)

  return {
    users: createUserService(storage, publish, options),
    tokens: createTokenService(storage, publish, lastUsed, options),

    async ping () {
      // The look-up that each token check makes. No token has a random hash, so no row is read.
      await faultless.findTokenByHash(randomBytes(32))
    },

    async open () {
      try {
        await options.storage.open()
      } catch (cause) {
        throw toOpenError(cause)
      }
    },

    async close () {
      await lastUsed.close()
      await storage.close()
    }
  }
}
