import { ImportConflictError, StorageUnavailableError } from '../errors.js'
import type { UserChanges } from '../storage/storage-adapter.js'
import { changedMembers } from './audit-entries.js'
import { checkDataSize } from './check-data-size.js'
import { toId } from './ids.js'
import { conflictOf, mergeOf, type UserOutcome } from './import-conflicts.js'
import type { UserOfLine } from './import-records.js'
import type { ImportRun } from './import-run.js'
import type { ImportResult } from './transfer-service.js'

export type BatchedUser = UserOfLine & { line: number }

// An update fails only if another call changes the user meanwhile. The limit ends the loop for a faulty storage whose
// every update fails.
const maxAttempts = 100

/** Imports the users of a batch, and counts and reports their lines. */
export async function importUsers (run: ImportRun, users: readonly BatchedUser[]): Promise<void> {
  const outcomes = await outcomesOf(run, users, run.dryRun)
  for (const [n, user] of users.entries()) {
    const settled = await settle(run, user, outcomes[n] as UserOutcome, maxAttempts)
    run.result.users[settled]++
  }
}

/** Returns the line and the error of the first user that has a conflict. Returns `undefined` if no user has one. */
export async function findConflict (
  run: ImportRun, users: readonly BatchedUser[]
): Promise<{ line: number, error: ImportConflictError } | undefined> {
  const outcomes = await outcomesOf(run, users, true)
  const conflicts = users.map((user, n) => conflictOf(run, user, outcomes[n] as UserOutcome))
  const first = conflicts.findIndex((conflict) => conflict !== undefined)
  const line = users[first]?.line
  return line === undefined ? undefined : { line, error: new ImportConflictError(line, conflicts[first]?.message) }
}

async function outcomesOf (
  { portable, createEntry, source }: ImportRun, users: readonly UserOfLine[], dryRun: boolean
): Promise<UserOutcome[]> {
  if (users.length === 0) return []
  const records = users.map(({ record }) => record)
  return portable.importUsers({ records, dryRun }, createEntry('user.created', source))
}

/**
 * Merges the line into the stored user if necessary, and reports a conflict. Returns the member of the result that
 * counts the line.
 */
async function settle (
  run: ImportRun, user: BatchedUser, outcome: UserOutcome, attempts: number
): Promise<keyof ImportResult['users']> {
  const { line, ref, given, record } = user
  if (outcome === 'rejected') {
    await run.report(line, 'rejected', '/user/id Another user has this id, or the storage cannot use it as a key')
    return 'rejected'
  }
  const stored = outcome === 'new' ? undefined : outcome.user
  const conflict = conflictOf(run, user, outcome)
  const changes = conflict && stored && run.onConflict === 'merge' ? mergeOf(given, stored) : {}
  const changed = changedMembers(changes)
  if (stored !== undefined && changed.length > 0) {
    if (!hasValidSize(changes, run.options.maxDataSize)) {
      await run.report(line, 'rejected', `/user/data The merged data has more than ${run.options.maxDataSize} bytes`)
      return 'rejected'
    }
    const isDone = run.dryRun || await update(run, stored, changes)
    if (!isDone) {
      if (attempts === 1) throw new StorageUnavailableError(new Error('Other calls change the user too often'))
      const [again] = await outcomesOf(run, [user], false)
      return settle(run, user, again as UserOutcome, attempts - 1)
    }
  }
  if (!run.addresses.has(record.email)) run.addresses.set(record.email, line)
  run.refs.set(ref, stored?.id)
  const isCreated = outcome === 'new' || outcome.created
  if (stored !== undefined) {
    const id = toId('user', stored.id)
    if (isCreated) run.publish('user:created', run.source, { userId: id })
    await run.onUser?.({ ref, id })
  }
  if (conflict === undefined) return isCreated ? 'created' : 'present'
  if (changed.length === 0 || conflict.remains) await run.report(line, 'conflict', conflict.message)
  return changed.length === 0 ? 'skipped' : 'updated'
}

/** Updates a stored user. Returns `false` if another call has changed or deleted the user meanwhile. */
async function update (
  { storage, publish, createEntry, source }: ImportRun, { id, revision }: { id: string, revision: number },
  changes: UserChanges
): Promise<boolean> {
  const changed = changedMembers(changes)
  const updated = await storage.updateUser(id, changes, revision, createEntry('user.updated', source, changed))
  if (typeof updated === 'string') return false
  publish('user:updated', source, { userId: toId('user', id), changed })
  return true
}

function hasValidSize ({ data = null }: UserChanges, maxDataSize: number): boolean {
  try {
    checkDataSize(data, maxDataSize)
    return true
  } catch {
    return false
  }
}
