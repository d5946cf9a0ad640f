import type { ChangeSource } from '../events.js'
import type { AuditAction, NewAuditRecord } from '../storage/storage-adapter.js'

/**
 * Creates the entry that the storage writes with a change, or returns `undefined` if the change leaves no entry.
 * `changed` has the names of the updated members. It is absent if the change is not an update.
 */
export type CreateEntry = (action: AuditAction, source: ChangeSource, changed?: string[]) => NewAuditRecord | undefined

const maxLength = 255

/** Creates an entry for each change, except for an update of no members. */
export const createEntry: CreateEntry = (action, { requestId, actor = null }, changed) => {
  if (changed?.length === 0) return undefined
  return {
    at: new Date().toISOString(),
    action,
    actor,
    request_id: requestId === undefined ? null : toStoredText(requestId) || null,
    changed: changed ?? null
  }
}

/** Creates no entry, for an app without the option `audit`. */
export const createNoEntry: CreateEntry = () => undefined

/** Returns the names of the members that a change sets. */
export function changedMembers (changes: object): string[] {
  return Object.entries(changes).filter(([, value]) => value !== undefined).map(([name]) => name)
}

// The app makes the id of a request, or takes the id from a header. So the id may be any text, or even a number.
function toStoredText (id: unknown): string {
  return [...String(id).toWellFormed().replace(/\p{Cc}/gu, '')].slice(0, maxLength).join('')
}
