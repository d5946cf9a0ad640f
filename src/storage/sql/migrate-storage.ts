import type { KyselyStorage } from './kysely-storage.js'

/**
 * Creates or upgrades the tables of a storage, and closes the storage. Use it in deployments that migrate before they
 * start the app, and create the app's storage with `migrate: false`.
 *
 * @returns the versions of the schema before and after this call
 * @throws {DatabaseTooNewError} if a newer version of this package migrated the database
 * @throws {StorageOpenError} if the database cannot be used, with the driver's error as its `cause`
 */
export async function migrateStorage (storage: KyselyStorage): Promise<{ from: number, to: number }> {
  try {
    return await storage.migrate()
  } finally {
    await storage.close()
  }
}
