import type { AuditAction } from '../storage-adapter.js'
import { toInteger } from './integers.js'

/**
 * The numbers that stand for actions in the database. The names of actions would take a seventh of an entry's space.
 */
const numbers: Readonly<Record<AuditAction, number>> = {
  'user.created': 1,
  'user.updated': 2,
  'user.deleted': 3,
  'token.created': 4,
  'token.updated': 5,
  'token.rotated': 6,
  'token.revoked': 7
}

const actions = new Map(Object.entries(numbers).map(([action, number]) => [number, action as AuditAction]))

export function writeAction (action: AuditAction): number {
  return numbers[action]
}

/** @throws {Error} if the number is unknown */
export function readAction (number: unknown): AuditAction {
  const action = actions.get(toInteger(number))
  if (action === undefined) throw new Error(`The database returned the unknown action ${number}`)
  return action
}
