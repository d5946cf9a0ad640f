import assert from 'node:assert/strict'
import {
  isAudited, isPortable, type AuditedStorageAdapter, type PortableStorageAdapter, type StorageAdapter
} from '../storage-adapter.js'
import { newEntry } from './audit-changes.js'
import { attempt, hashOf, createToken, createUser } from './records.js'

type Read = [method: keyof AuditedStorageAdapter | keyof PortableStorageAdapter, call: () => Promise<unknown>]

/** Creates records. Returns a call of each method that reads, which finds one of these records. */
export async function prepareReads (storage: StorageAdapter): Promise<Read[]> {
  const user = await createUser(storage)
  const token = await createToken(storage, user.id, 1)
  const reads: Read[] = [
    ['findTokenByHash', async () => storage.findTokenByHash(hashOf(1))],
    ['findUser', () => storage.findUser(user.id)],
    ['findUserByEmail', () => storage.findUserByEmail(user.email)],
    ['findToken', () => storage.findToken(token.id)],
    ['listTokens', async () => (await storage.listTokens({ order: 'asc', limit: 1 }))[0]],
    ['countTokens', () => storage.countTokens()],
    ['listUsers', async () => (await storage.listUsers({ order: 'asc', skip: 0, limit: 1 }))[0]],
    ['countUsers', () => storage.countUsers()]
  ]
  if (isPortable(storage)) {
    reads.push(['listHashedTokens', async () =>
      (await storage.listHashedTokens({ userIds: [user.id], limit: 1 }))[0]])
  }
  if (!isAudited(storage)) return reads
  await storage.updateUser(user.id, {}, undefined, newEntry('user.updated'))
  return [...reads, ['listAudit', async () => (await storage.listAudit({ order: 'asc', limit: 1 }))[0]]]
}

/** Throws unless each read throws or finds its record. */
export async function assertFoundOrThrown (reads: readonly Read[], condition: string): Promise<void> {
  const thrown = Symbol('thrown')
  for (const [method, call] of reads) {
    const answer = await attempt(call).catch(() => thrown)
    assert.ok(answer, `${method} ${condition} found nothing: it must throw, or find the record`)
  }
}
