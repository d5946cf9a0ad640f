import assert from 'node:assert/strict'
import type { StorageAdapter, TokenRecord, UserRecord } from '../storage-adapter.js'
import { attempt, hashOf, createToken, createUser, newToken, newUser, time } from './records.js'

interface Write {
  method: keyof StorageAdapter
  call: () => Promise<unknown>
  /** Returns whether the answer says that the write was done, and `eyes` find that it was. */
  isDone: (answer: any, eyes: StorageAdapter) => Promise<boolean>
}

/** Returns a call of each method that writes, over records of its own, which are stored now. Each call has something to write. */
export async function prepareWrites (storage: StorageAdapter): Promise<Write[]> {
  const user = await createUser(storage)
  const [rotated, deleted, touched] = [
    await createToken(storage, user.id, 1),
    await createToken(storage, user.id, 2),
    await createToken(storage, user.id, 3)
  ]
  const revoked = await createUser(storage, { email: 'revoked@x' })
  await createToken(storage, revoked.id, 4)
  const doomed = await createUser(storage, { email: 'doomed@x' })
  await createToken(storage, doomed.id, 5)
  const isThere = async (n: number, eyes: StorageAdapter) => (await eyes.findTokenByHash(hashOf(n))) != null

  return [
    {
      method: 'createUser',
      call: () => storage.createUser(newUser({ email: 'late@x' })),
      isDone: async (answer: UserRecord | 'taken', eyes) =>
        answer !== 'taken' && (await eyes.findUser(answer.id))?.email === 'late@x'
    },
    {
      method: 'updateUser',
      call: () => storage.updateUser(user.id, { name: 'late' }),
      isDone: async (answer: UserRecord | 'absent' | 'taken', eyes) =>
        typeof answer !== 'string' && (await eyes.findUser(user.id))?.name === 'late'
    },
    {
      method: 'createToken',
      call: () => storage.createToken(newToken(user.id, 101)),
      isDone: async (answer: TokenRecord | 'absent', eyes) => answer !== 'absent' && (await isThere(101, eyes))
    },
    {
      method: 'rotateToken',
      call: () => storage.rotateToken(rotated.id, () => ({ expires_at: null, successor: newToken(user.id, 102) })),
      isDone: async (answer: TokenRecord | 'absent' | 'rejected', eyes) =>
        typeof answer !== 'string' && !(await isThere(1, eyes)) && (await isThere(102, eyes))
    },
    {
      method: 'touchTokens',
      call: () => storage.touchTokens([touched.id], time(9)),
      isDone: async (_answer: void, eyes) => (await eyes.findTokenByHash(hashOf(3)))?.token.last_used_at === time(9)
    },
    {
      method: 'revokeToken',
      call: () => storage.revokeToken(deleted.id),
      isDone: async (answer: boolean, eyes) => answer && !(await isThere(2, eyes))
    },
    {
      method: 'revokeTokens',
      call: () => storage.revokeTokens(revoked.id),
      isDone: async (_answer: void, eyes) => !(await isThere(4, eyes))
    },
    {
      method: 'deleteUser',
      call: () => storage.deleteUser(doomed.id),
      isDone: async (answer: boolean, eyes) =>
        answer && !(await isThere(5, eyes)) && (await eyes.findUser(doomed.id)) == null
    }
  ]
}

/** Throws unless each of the writes throws, or is done as far as `eyes` can see. A storage that cannot even look has done nothing. */
export async function assertDoneOrThrown (writes: readonly Write[], eyes: StorageAdapter): Promise<void> {
  const lies = await answersOf(
    writes,
    async ({ isDone }, answer) => !(await attempt(() => isDone(answer, eyes)).catch(() => false))
  )
  assert.equal(lies, '', 'methods of a storage that is closed that have neither thrown nor done what they answered')
}

/** Throws unless each of the writes throws. */
export async function assertThrown (writes: readonly Write[]): Promise<void> {
  const lies = await answersOf(writes, async () => true)
  assert.equal(lies, '', 'methods that have answered, and not thrown, while the store failed')
}

/** Calls all that write, and returns in one text which of them answered, and what, if `isLie` says so of the answer. */
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
