import { randomBytes } from 'node:crypto'
import type { Publish } from './events.js'
import type { ResolvedServiceOptions } from './resolve-options.js'
import { createAuditService, type AuditRouteService } from './services/audit.js'
import { createEntry, createNoEntry } from './services/audit-entries.js'
import { createTokenService, type TokenRouteService } from './services/tokens.js'
import { createTransferService } from './services/transfer.js'
import type { TransferService } from './services/transfer-service.js'
import { createUserService, type UserRouteService } from './services/users.js'
import { createAuditRetention } from './storage/decorators/audit-retention.js'
import { guardAuditTrail, guardPortable, withFaultGuard } from './storage/decorators/fault-guard.js'
import { createLastUsed } from './storage/decorators/last-used.js'
import { withTokenCache } from './storage/decorators/token-cache.js'
import { toOpenError } from './storage/open-error.js'
import { isPortable } from './storage/storage-adapter.js'

/** The services that use one storage. */
export interface Services {
  users: UserRouteService
  tokens: TokenRouteService
  /** `undefined` if the option `audit` is off. */
  audit: AuditRouteService | undefined
  transfer: TransferService
  /**
   * Resolves if the storage answers now.
   *
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   */
  ping (): Promise<void>
  /**
   * Opens the storage, and begins to delete old entries of the audit trail.
   *
   * @throws an error of this package, such as StorageOpenError
   */
  open (): Promise<void>
  /**
   * Writes each `last_used_at` that is not yet in the storage, and closes the storage.
   *
   * @throws {StorageUnavailableError} if the storage cannot be closed
   */
  close (): Promise<void>
}

/**
 * Creates the services that use `options.storage`. The storage must not be open yet. Calls `warn` if a write in the
 * background fails: of `last_used_at`, or the deletion of old entries of the audit trail.
 */
export function createServices (
  options: ResolvedServiceOptions, publish: Publish, warn: (message: string, fault: unknown) => void
): Services {
  const { audit, storageTimeout, tokenCache } = options
  // The fault guard is inside the cache, so that the cache keeps only checked records. Writes of `last_used_at` bypass
  // both this guard and the cache, because `createLastUsed` has its own guard.
  const faultless = withFaultGuard(options.storage, storageTimeout)
  const storage = tokenCache === undefined
    ? faultless
    : withTokenCache(faultless, tokenCache.ttl, tokenCache.dataVersion)
  const lastUsed = createLastUsed(options.storage, storageTimeout,
    (fault) => warn('last_used_at cannot be written now', fault))
  const retention = audit?.retention === undefined
    ? undefined
    : createAuditRetention(audit.trail, audit.retention, storageTimeout,
      (fault) => warn('old entries of the audit trail cannot be deleted now', fault))
  const toEntry = audit === undefined ? createNoEntry : createEntry

  return {
    users: createUserService(storage, publish, toEntry, options),
    tokens: createTokenService(storage, publish, toEntry, lastUsed, options),
    audit: audit && createAuditService(guardAuditTrail(audit.trail, storageTimeout)),
    transfer: createTransferService({
      storage,
      portable: isPortable(options.storage) ? guardPortable(options.storage, storageTimeout) : undefined,
      publish,
      createEntry: toEntry,
      options
    }),

    async ping () {
      // Each token check makes this query, too. The hash is random and matches no token, so the storage reads no row.
      await faultless.findTokenByHash(randomBytes(32))
    },

    async open () {
      try {
        await options.storage.open()
      } catch (cause) {
        throw toOpenError(cause)
      }
      retention?.start()
    },

    async close () {
      await Promise.all([lastUsed.close(), retention?.close()])
      await storage.close()
    }
  }
}
