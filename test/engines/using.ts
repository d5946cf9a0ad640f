import { randomBytes } from 'node:crypto'
import type { KyselyStorage, StorageAdapter } from '../../src/index.js'

/** Opens a storage, runs `work`, and closes the storage. */
export async function using<T> (storage: KyselyStorage, work: (storage: StorageAdapter) => Promise<T>): Promise<T> {
  try {
    await storage.open()
    return await work(storage)
  } finally {
    await storage.close()
  }
}

export const opens = async (): Promise<true> => true

export interface Counts {
  rounds: number
  /** The number of new tokens that another member did not find. */
  missed: number
  /** The number of new tokens that another member did not revoke. */
  notRevoked: number
  /** The number of revoked tokens that another member found. */
  stale: number
}

/**
 * Creates and revokes tokens on `writers`, and looks for them on other members at once. With several writers, half of
 * the tokens are revoked on a member that did not create them.
 *
 * @param rounds the number of tokens
 */
export async function countStale (
  writers: StorageAdapter[], readers: StorageAdapter[], rounds: number
): Promise<Counts> {
  const now = { created_at: '2024-01-01T12:00:00.000Z' }
  const counts: Counts = { rounds: 0, missed: 0, notRevoked: 0, stale: 0 }
  const email = `${randomBytes(8).toString('hex')}@x`
  const owner = await writers[0]?.createUser({ email, name: null, max_concurrent_bots: 1, data: null, ...now })
  if (typeof owner !== 'object') throw new Error('The user was not created')
  await Promise.all(Array.from({ length: 8 }, async (_, client) => {
    for (let round = client; round < rounds; round += 8) {
      const at = (storages: StorageAdapter[], n: number) => storages[n % storages.length] as StorageAdapter
      const [here, there] = [at(writers, client), at(writers, client + 1 + round % 2)]
      const [revoking, reading] = round % 4 < 2 ? [here, at(readers, client + 1)] : [there, at(readers, client)]
      const hash = randomBytes(32)
      const token = await here.createToken({
        user_id: owner.id,
        hash,
        name: null,
        scopes: null,
        expires_at: null,
        expires_in: null,
        disabled: false,
        data: null,
        start: null,
        ...now
      })
      if (token === 'absent') throw new Error('The user is not there')
      counts.rounds++
      if (await reading.findTokenByHash(hash) === undefined) counts.missed++
      if (!await revoking.revokeToken(token.id)) {
        counts.notRevoked++
        await here.revokeToken(token.id)
      }
      if (await reading.findTokenByHash(hash) !== undefined) counts.stale++
    }
  }))
  return counts
}
