import { userInfo } from 'node:os'
import {
  isAudited, openVexaAdmin, type OpenVexaAdmin, type OpenVexaAdminOptions, type StorageAdapter
} from '../index.js'
import type { Cli } from './cli.js'
import type { changeOptions, databaseOptions, Values } from './options.js'
import { createStorage, type StorageUse } from './storage.js'

type DatabaseValues = Values<typeof databaseOptions>
type ChangeValues = Values<typeof changeOptions>
type ServicesUse = StorageUse & Pick<OpenVexaAdminOptions, 'legacyTokens' | 'scopes' | 'tokenPrefix'>

/**
 * Opens the storage that the options name, and returns its services. The services are closed when the command ends. The
 * audit trail is on if the storage keeps an audit trail, unless `--no-audit` is given.
 *
 * The command line does not load the app, so it does not know the options of the app. It accepts `data` of at most 1
 * MiB, and every lifetime. It stores the first characters of each new token, as `serve` does.
 */
export async function openServices (
  cli: Cli, values: DatabaseValues & ChangeValues, use: ServicesUse = {}
): Promise<OpenVexaAdmin> {
  const { legacyTokens, scopes, tokenPrefix, ...storageUse } = use
  const storage = await createStorage(cli, values, storageUse)
  return openStorage(cli, storage, {
    legacyTokens,
    scopes,
    tokenPrefix,
    tokenStart: true,
    maxDataSize: 1024 * 1024,
    audit: values['no-audit'] !== true && isAudited(storage)
  })
}

/** Opens a storage, and returns its services. The services are closed when the command ends. */
export async function openStorage (
  cli: Cli, storage: StorageAdapter, options: OpenVexaAdminOptions = { audit: isAudited(storage) }
): Promise<OpenVexaAdmin> {
  const services = await openVexaAdmin({ ...options, storage })
  cli.defer(services.close)
  return services
}

/** Returns the last argument for each method of the services that changes something. */
export function changeBy ({ actor = defaultActor() }: ChangeValues): { actor: string } {
  return { actor }
}

function defaultActor (): string {
  try {
    return `cli:${userInfo().username}`
  } catch {
    // In a container, the user of the process may have no name.
    return `cli:${process.getuid?.()}`
  }
}
