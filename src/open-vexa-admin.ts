import { createServices } from './create-services.js'
import { createPublisher } from './events.js'
import type { OpenVexaAdminOptions } from './options.js'
import { resolveServiceOptions } from './resolve-options.js'
import { publicServices, type VexaAdminServices } from './services/public-services.js'

/** The services that use an open storage, for programs without Fastify. */
export interface OpenVexaAdmin extends VexaAdminServices {
  /**
   * Writes each `last_used_at` that is not yet in the storage, and closes the storage. Each later call returns the same
   * promise. Before `close`, wait for all calls of the services.
   *
   * @throws {StorageUnavailableError} if the storage cannot be closed
   */
  close (): Promise<void>
}

/**
 * Opens a storage, and returns the services that `app.vexaAdmin` has, for scripts and programs without Fastify. The
 * services apply the same rules as in an app. Their events have no `prefix`. If the storage cannot be opened, closes
 * the storage.
 *
 * Emits a process warning if a `last_used_at` cannot be written now, or if old entries of the audit trail cannot be
 * deleted now.
 *
 * @throws {InvalidOptionError} if an option is wrong
 * @throws {StorageOpenError} if the storage cannot be opened. If the storage throws an error of this package, throws
 * this error instead
 * @example
 * const { users, tokens, close } = await openVexaAdmin({ storage })
 */
export async function openVexaAdmin (options: OpenVexaAdminOptions = {}): Promise<OpenVexaAdmin> {
  const services = createServices(resolveServiceOptions(options), createPublisher(),
    (message) => process.emitWarning(`fastify-vexa-admin: ${message}`))
  try {
    await services.open()
  } catch (error) {
    // The caller gets the error of `open`, so an error of `close` is ignored.
    await services.close().catch(() => {})
    throw error
  }
  let closing: Promise<void> | undefined
  return {
    ...publicServices(services),
    close: () => {
      closing ??= services.close()
      return closing
    }
  }
}
