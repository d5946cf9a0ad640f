import type { Kysely, SelectQueryNode, TableNode } from 'kysely'
import { StorageOpenError } from '../../../errors.js'

/** The settings of a server and session, as text, by name. A setting that the server lacks is `null` or absent. */
export type Values = Readonly<Record<string, string | null>>

/** A setting that can stop writes, make answers old, hide rows, lose acknowledged changes, or disable constraints. */
export interface Setting {
  /** The name that the database documents. */
  readonly name: string
  /**
   * Returns whether `value` is safe. The answer may depend on other settings, so `values` has the values of all
   * settings.
   */
  readonly isSafe: (value: string, values: Values) => boolean
  /** The consequence of a value that is not safe, followed by the remedy. */
  readonly message: string
}

/**
 * Checks settings in the given order. A setting that the server does not have is safe.
 *
 * @throws {StorageOpenError} for the first value that is not safe
 */
export function checkSettings (settings: readonly Setting[], values: Values): void {
  for (const { name, isSafe, message } of settings) {
    const value = values[name]
    if (value != null && !isSafe(value, values)) throw new StorageOpenError(`${name} is ${value}: ${message}`)
  }
}

/** Returns the schema that the app's Kysely puts before names of tables, or null. Kysely does not change raw SQL. */
export function schemaOf (db: Kysely<any>): string | null {
  const { from } = db.selectFrom('any').selectAll().compile().query as SelectQueryNode
  return (from?.froms[0] as TableNode).table.schema?.name ?? null
}
