import type { Kysely, SelectQueryNode, TableNode } from 'kysely'
import { StorageOpenError } from '../../../errors.js'

/** What a server or session says of itself, as text, by name. What it does not have is `null` or absent. */
export type Values = Readonly<Record<string, string | null>>

/** A setting or state under which answers could be old, rows hidden, what was acknowledged lost, or a constraint not enforced. */
export interface Setting {
  /** As users know it. */
  readonly name: string
  /** Returns whether this value of it is safe. `values` has the others. */
  readonly isSafe: (value: string, values: Values) => boolean
  /** Says what else would happen, and then the line that makes it safe. */
  readonly message: string
}

/**
 * Checks settings in their order. One that the server does not have is safe.
 *
 * @throws {StorageOpenError} for the first value that is not safe
 */
export function checkSettings (settings: readonly Setting[], values: Values): void {
  for (const { name, isSafe, message } of settings) {
    const value = values[name]
    if (value != null && !isSafe(value, values)) throw new StorageOpenError(`${name} is ${value}: ${message}`)
  }
}

/** Returns the schema that a host's Kysely puts before the names of tables, or null. Kysely does not do so in raw SQL. */
export function schemaOf (db: Kysely<any>): string | null {
  const { from } = db.selectFrom('any').selectAll().compile().query as SelectQueryNode
  return (from?.froms[0] as TableNode).table.schema?.name ?? null
}
