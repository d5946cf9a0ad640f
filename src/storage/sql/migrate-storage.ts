import type { KyselyStorage } from './kysely-storage.js'

/**
 * Creates or upgrades the tables of a storage, and closes the storage. Call this function in a deployment that migrates
 * before it starts the app. Create the storage of the app with `migrate: false`.
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
