import { createServices } from './create-services.js'
import { createPublisher } from './events.js'
import type { OpenVexaAdminOptions } from './options.js'
import { resolveServiceOptions } from './resolve-options.js'
import { publicServices, type VexaAdminServices } from './services/public-services.js'

/** The services over an open storage, for programs without Fastify. */
export interface OpenVexaAdmin extends VexaAdminServices {
  /**
   * Writes the last uses of tokens and closes the storage. Each later call returns the same promise. Wait for the calls
   * of the services first.
   *
   * @throws {StorageUnavailableError} if the storage cannot be closed
   */
  close (): Promise<void>
}

/**
 * Opens a storage, and returns the services that `app.vexaAdmin` has, for scripts and programs without Fastify. They
 * apply the same rules, and publish the same events, without `prefix`. If the storage cannot be opened, closes it.
 *
 * Emits a process warning if the last uses of tokens cannot be written now.
 *
 * @throws {InvalidOptionError} if an option is wrong
 * @throws {StorageOpenError} if the storage cannot be opened; or the error of this package that the storage throws
 * @example
 * const { users, tokens, close } = await openVexaAdmin({ storage })
 */
export async function openVexaAdmin (options: OpenVexaAdminOptions = {}): Promise<OpenVexaAdmin> {
  const services = createServices(resolveServiceOptions(options), createPublisher(),
    () => process.emitWarning('fastify-vexa-admin: last_used_at cannot be written now'))
  try {
    await services.open()
  } catch (error) {
    // The error of `open` says more than one of `close`.
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
