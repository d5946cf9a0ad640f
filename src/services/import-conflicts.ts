import { isDeepStrictEqual } from 'node:util'
import type { ImportUser } from '../schemas/import.js'
import type { ImportedUser, UserChanges, UserRecord } from '../storage/storage-adapter.js'
import { toId } from './ids.js'
import type { UserOfLine } from './import-records.js'
import type { ImportRun } from './import-run.js'
import { mergePatch } from './merge-patch.js'

/** The outcome of the import of one user, as the storage returns it. */
export type UserOutcome = ImportedUser | 'rejected' | 'new'

export interface Conflict {
  message: string
  /**
   * Whether the conflict is reported even after a merge. It is true if an earlier line has the same address. It is also
   * true if `keepIds` is set and the stored user has another id.
   */
  remains: boolean
}

// `created_at` is absent from this list, because a stored user keeps the time of its creation.
const comparedMembers = ['name', 'max_concurrent_bots', 'disabled', 'data'] as const

/** Returns the conflict of a user with an earlier line or with the stored user, or `undefined` if there is none. */
export function conflictOf (
  { addresses, keepIds, onConflict }: Pick<ImportRun, 'addresses' | 'keepIds' | 'onConflict'>,
  { given, record }: UserOfLine,
  outcome: UserOutcome
): Conflict | undefined {
  const twin = addresses.get(record.email)
  const stored = typeof outcome === 'string' || outcome.created ? undefined : outcome.user
  const id = stored && toId('user', stored.id)
  if (twin !== undefined) {
    const message = `Line ${twin} has the same address, so both lines are about one user`
    return { message: id === undefined ? message : `${message}, ${id}`, remains: true }
  }
  if (stored === undefined) return undefined
  if (keepIds && stored.id !== record.id) {
    return { message: `The user with this address is stored as ${id}`, remains: true }
  }
  const differing = onConflict === 'merge' ? Object.keys(mergeOf(given, stored)) : differencesOf(given, stored)
  if (differing.length === 0) return undefined
  return { message: `The stored user ${id} differs in: ${differing.join(', ')}`, remains: false }
}

/** Returns the members that a merge of a line into the stored user changes. */
export function mergeOf (
  { name, max_concurrent_bots: bots, disabled, data }: ImportUser, stored: UserRecord
): UserChanges {
  const merged = data === undefined ? undefined : mergePatch(stored.data, data) as UserRecord['data']
  const changes = { name, max_concurrent_bots: bots, disabled, data: merged }
  return Object.fromEntries(differencesOf(changes, stored).map((member) => [member, changes[member]]))
}

/** Returns the names of the members that are given, and whose stored values differ from the given ones. */
function differencesOf (given: Partial<ImportUser>, stored: UserRecord): Array<typeof comparedMembers[number]> {
  return comparedMembers.filter((member) =>
    given[member] !== undefined && !isDeepStrictEqual(given[member], stored[member]))
}
