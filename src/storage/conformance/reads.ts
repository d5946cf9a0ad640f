import assert from 'node:assert/strict'
import type { StorageAdapter } from '../storage-adapter.js'
import { attempt, hashOf, createToken, createUser } from './records.js'

type Read = [method: keyof StorageAdapter, call: () => Promise<unknown>]

/** Returns a call of each method that reads. Each call finds a record that this function has created. */
export async function prepareReads (storage: StorageAdapter): Promise<Read[]> {
  const user = await createUser(storage)
  await createToken(storage, user.id, 1)
  return [
    ['findTokenByHash', async () => storage.findTokenByHash(hashOf(1))],
    ['findUser', () => storage.findUser(user.id)],
    ['findUserByEmail', () => storage.findUserByEmail(user.email)],
    ['listTokens', async () => (await storage.listTokens(user.id))[0]],
    ['listUsers', async () => (await storage.listUsers({ order: 'asc', skip: 0, limit: 1 }))[0]],
    ['countUsers', () => storage.countUsers()]
  ]
}

/** Throws unless each read throws or finds its record. */
export async function assertFoundOrThrown (reads: readonly Read[], condition: string): Promise<void> {
  const thrown = Symbol('thrown')
  for (const [method, call] of reads) {
    const answer = await attempt(call).catch(() => thrown)
    assert.ok(answer, `${method} ${condition} found nothing: it must throw, or find the record`)
  }
}
