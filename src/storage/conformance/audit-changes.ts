import assert from 'node:assert/strict'
import type {
  AuditAction, AuditedStorageAdapter, AuditPage, AuditPruneBatch, AuditRecord, NewAuditRecord, StorageAdapter,
  TokenRecord, UserRecord
} from '../storage-adapter.js'
import { createToken, createUser, newToken, newUser, time } from './records.js'

type Keys = Pick<AuditRecord, 'user_id' | 'token_id' | 'successor_id'>

export interface AuditedChange {
  method: keyof StorageAdapter
  action: AuditAction
  /** Makes the change, and returns the keys that its entry must have. */
  make: (entry?: NewAuditRecord) => Promise<Keys>
}

export function newEntry (action: AuditAction, changes: Partial<NewAuditRecord> = {}): NewAuditRecord {
  return { at: time(0), action, actor: 'ops', request_id: 'req-1', changed: null, ...changes }
}

/** Returns the entries of a page. Without members, the page has all entries in the order of the changes. */
export function entriesOf (storage: AuditedStorageAdapter, page: Partial<AuditPage> = {}): Promise<AuditRecord[]> {
  return storage.listAudit({ order: 'asc', limit: 1000, ...page })
}

/**
 * Writes one entry for each element of `given`. An element has the members of the entry that differ from `newEntry`.
 * Returns the whole trail.
 */
export async function writeEntries (
  storage: AuditedStorageAdapter, given: ReadonlyArray<Partial<NewAuditRecord>>
): Promise<AuditRecord[]> {
  const { id } = await createUser(storage)
  for (const changes of given) await storage.updateUser(id, {}, undefined, newEntry('user.updated', changes))
  const entries = await entriesOf(storage)
  assert.equal(entries.length, given.length, 'number of entries after as many changes')
  return entries
}

/** Calls `pruneAudit` until it returns no `last`. Returns the number of deleted entries. */
export async function pruneAll (
  storage: AuditedStorageAdapter, batch: Omit<AuditPruneBatch, 'after'>
): Promise<number> {
  let deleted = 0
  let after: string | undefined
  for (let calls = 0; calls < 1000; calls++) {
    const answer = await storage.pruneAudit({ ...batch, after })
    deleted += answer.deleted
    after = answer.last ?? undefined
    if (after === undefined) return deleted
  }
  return assert.fail('pruneAudit returned `last` a thousand times')
}

/** Returns all users, all tokens and all entries. */
export async function everythingIn (storage: AuditedStorageAdapter): Promise<unknown[]> {
  return [
    await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 }),
    await storage.listTokens({ order: 'asc', limit: 1000 }),
    await entriesOf(storage)
  ]
}

/** Returns the record, or throws if `answer` is an outcome. */
function recordOf<R extends TokenRecord | UserRecord> (answer: R | string): R {
  return typeof answer === 'string' ? assert.fail(`a change returned '${answer}'`) : answer
}

/** Creates records, and returns changes of each kind to these records. The changes do not depend on each other. */
export async function prepareChanges (storage: StorageAdapter): Promise<AuditedChange[]> {
  const [{ id: user }, doomed, revoked] = [
    await createUser(storage),
    await createUser(storage, { email: 'doomed@x' }),
    await createUser(storage, { email: 'revoked@x' })
  ]
  const tokens: string[] = []
  for (let n = 0; n < 4; n++) tokens.push((await createToken(storage, user, n)).id)
  const [updated, replaced, rotated, deleted] = tokens as [string, string, string, string]
  for (let n = 4; n < 8; n++) await createToken(storage, n % 2 === 0 ? doomed.id : revoked.id, n)
  const keys = (userId: string, tokenId: string | null = null, successorId: string | null = null) =>
    ({ user_id: userId, token_id: tokenId, successor_id: successorId })
  const rotate = async (id: string, n: number, expires: string | null, entry?: NewAuditRecord) => {
    const created = await storage.rotateToken(id, () => ({ expires_at: expires, successor: newToken(user, n) }), entry)
    return keys(user, id, recordOf(created).id)
  }
  return [
    {
      method: 'createUser',
      action: 'user.created',
      make: async (entry) => keys(recordOf(await storage.createUser(newUser({ email: 'new@x' }), entry)).id)
    },
    {
      method: 'updateUser',
      action: 'user.updated',
      make: async (entry) =>
        keys(recordOf(await storage.updateUser(revoked.id, { name: 'New' }, revoked.revision, entry)).id)
    },
    {
      method: 'deleteUser',
      action: 'user.deleted',
      make: async (entry) => {
        assert.equal(await storage.deleteUser(doomed.id, undefined, entry), true)
        return keys(doomed.id)
      }
    },
    {
      method: 'createToken',
      action: 'token.created',
      make: async (entry) => keys(user, recordOf(await storage.createToken(newToken(user, 101), entry)).id)
    },
    {
      method: 'updateToken',
      action: 'token.updated',
      make: async (entry) =>
        keys(user, recordOf(await storage.updateToken(updated, () => ({ name: 'New' }), entry)).id)
    },
    { method: 'rotateToken', action: 'token.rotated', make: (entry) => rotate(replaced, 102, null, entry) },
    { method: 'rotateToken', action: 'token.rotated', make: (entry) => rotate(rotated, 103, time(50), entry) },
    {
      method: 'revokeToken',
      action: 'token.revoked',
      make: async (entry) => {
        assert.equal(await storage.revokeToken(deleted, entry), true)
        return keys(user, deleted)
      }
    },
    {
      method: 'revokeTokens',
      action: 'token.revoked',
      make: async (entry) => {
        await storage.revokeTokens(revoked.id, entry)
        return keys(revoked.id)
      }
    }
  ]
}
