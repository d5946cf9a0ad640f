import assert from 'node:assert/strict'
import {
  isAudited, isPortable, type AuditedStorageAdapter, type ImportedToken, type ImportedUser, type PortableStorageAdapter,
  type StorageAdapter, type TokenRecord, type UserRecord
} from '../storage-adapter.js'
import { entriesOf, newEntry } from './audit-changes.js'
import { tokenToImport, userToImport } from './imports.js'
import { attempt, hashOf, createToken, createUser, newToken, newUser, time } from './records.js'

interface Write {
  method: keyof AuditedStorageAdapter | keyof PortableStorageAdapter
  call: () => Promise<unknown>
  /** Returns whether the answer reports that the write is made, and `observer` finds the write made. */
  isDone: (answer: any, observer: StorageAdapter) => Promise<boolean>
}

/** Creates records. Returns a call of each method that writes, which changes these records or creates others. */
export async function prepareWrites (storage: StorageAdapter): Promise<Write[]> {
  const user = await createUser(storage)
  const [rotated, deleted, touched, updated] = [
    await createToken(storage, user.id, 1),
    await createToken(storage, user.id, 2),
    await createToken(storage, user.id, 3),
    await createToken(storage, user.id, 6)
  ]
  await createToken(storage, user.id, 7, { expires_at: time(1) })
  const revoked = await createUser(storage, { email: 'revoked@x' })
  await createToken(storage, revoked.id, 4)
  const doomed = await createUser(storage, { email: 'doomed@x' })
  await createToken(storage, doomed.id, 5)
  const isThere = async (n: number, observer: StorageAdapter) => (await observer.findTokenByHash(hashOf(n))) != null
  const audited = isAudited(storage) ? await prepareAuditWrites(storage) : []
  const imports = isPortable(storage) ? prepareImports(storage, user.id) : []

  return [
    ...audited,
    ...imports,
    {
      method: 'createUser',
      call: () => storage.createUser(newUser({ email: 'late@x' })),
      isDone: async (answer: UserRecord | 'taken', observer) =>
        answer !== 'taken' && (await observer.findUser(answer.id))?.email === 'late@x'
    },
    {
      method: 'updateUser',
      call: () => storage.updateUser(user.id, { name: 'late' }),
      isDone: async (answer: UserRecord | 'absent' | 'taken', observer) =>
        typeof answer !== 'string' && (await observer.findUser(user.id))?.name === 'late'
    },
    {
      method: 'createToken',
      call: () => storage.createToken(newToken(user.id, 101)),
      isDone: async (answer: TokenRecord | 'absent', observer) => answer !== 'absent' && (await isThere(101, observer))
    },
    {
      method: 'updateToken',
      call: () => storage.updateToken(updated.id, () => ({ disabled: true })),
      isDone: async (answer: TokenRecord | 'absent' | 'rejected', observer) =>
        typeof answer !== 'string' && (await observer.findTokenByHash(hashOf(6)))?.token.disabled === true
    },
    {
      method: 'rotateToken',
      call: () => storage.rotateToken(rotated.id, () => ({ expires_at: null, successor: newToken(user.id, 102) })),
      isDone: async (answer: TokenRecord | 'absent' | 'rejected', observer) =>
        typeof answer !== 'string' && !(await isThere(1, observer)) && (await isThere(102, observer))
    },
    {
      method: 'touchTokens',
      call: () => storage.touchTokens([touched.id], time(9)),
      isDone: async (_answer: void, observer) =>
        (await observer.findTokenByHash(hashOf(3)))?.token.last_used_at === time(9)
    },
    {
      method: 'revokeToken',
      call: () => storage.revokeToken(deleted.id),
      isDone: async (answer: boolean, observer) => answer && !(await isThere(2, observer))
    },
    {
      method: 'revokeTokens',
      call: () => storage.revokeTokens(revoked.id),
      isDone: async (_answer: void, observer) => !(await isThere(4, observer))
    },
    {
      method: 'pruneTokens',
      call: () => storage.pruneTokens({ expiredBefore: time(2), limit: 10 }),
      isDone: async (answer: { deleted: number }, observer) => answer.deleted === 1 && !(await isThere(7, observer))
    },
    {
      method: 'deleteUser',
      call: () => storage.deleteUser(doomed.id),
      isDone: async (answer: boolean, observer) =>
        answer && !(await isThere(5, observer)) && (await observer.findUser(doomed.id)) == null
    }
  ]
}

function prepareImports (storage: PortableStorageAdapter, userId: string): Write[] {
  return [
    {
      method: 'importUsers',
      call: () => storage.importUsers({ records: [userToImport(1)], dryRun: false }),
      isDone: async ([outcome]: Array<ImportedUser | string>, observer) =>
        typeof outcome === 'object' && (await observer.findUserByEmail('1@x'))?.id === outcome.user.id
    },
    {
      method: 'importTokens',
      call: () => storage.importTokens({ records: [tokenToImport(userId, 103)], dryRun: false }),
      isDone: async ([outcome]: Array<ImportedToken | string>, observer) =>
        typeof outcome === 'object' && (await observer.findTokenByHash(hashOf(103)))?.token.id === outcome.token.id
    }
  ]
}

async function prepareAuditWrites (storage: AuditedStorageAdapter): Promise<Write[]> {
  const { id } = await createUser(storage, { email: 'audited@x' })
  await storage.updateUser(id, {}, undefined, newEntry('user.updated', { at: time(1) }))
  return [{
    method: 'pruneAudit',
    call: () => storage.pruneAudit({ before: time(2), now: time(9), limit: 10 }),
    isDone: async (answer: { deleted: number }, observer) =>
      answer.deleted === 1 && (await entriesOf(observer as AuditedStorageAdapter)).length === 0
  }]
}

/**
 * Throws unless each write either throws or is made. `observer` looks up whether a write is made. The write counts as
 * not made if this look-up throws.
 */
export async function assertDoneOrThrown (writes: readonly Write[], observer: StorageAdapter): Promise<void> {
  const lies = await answersOf(
    writes,
    async ({ isDone }, answer) => !(await attempt(() => isDone(answer, observer)).catch(() => false))
  )
  assert.equal(lies, '', 'methods that, after close, neither threw nor made the change that they reported')
}

/** Throws unless each write throws. */
export async function assertThrown (writes: readonly Write[]): Promise<void> {
  const lies = await answersOf(writes, async () => true)
  assert.equal(lies, '', 'methods that answered instead of throwing while the store failed')
}

/**
 * Makes the writes. Returns a text with each method for which `isLie` returns true, and its answer:
 * `method (answer), method (answer)`.
 */
async function answersOf (
  writes: readonly Write[],
  isLie: (write: Write, answer: unknown) => Promise<boolean>
): Promise<string> {
  const lies: string[] = []
  const thrown = Symbol('thrown')
  for (const write of writes) {
    const answer = await attempt(write.call).catch(() => thrown)
    if (answer !== thrown && (await isLie(write, answer))) lies.push(`${write.method} (${JSON.stringify(answer)})`)
  }
  return lies.join(', ')
}
