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
 * Returns the message about the first setting whose value is not safe, or `undefined` if all are safe. A setting that
 * the server does not have is safe.
 */
export function findUnsafe (settings: readonly Setting[], values: Values): string | undefined {
  const unsafe = settings.find(({ name, isSafe }) => values[name] != null && !isSafe(values[name], values))
  return unsafe && `${unsafe.name} is ${values[unsafe.name]}: ${unsafe.message}`
}

/**
 * Checks settings in the given order.
 *
 * @throws {StorageOpenError} for the first value that is not safe
 */
export function checkSettings (settings: readonly Setting[], values: Values): void {
  const message = findUnsafe(settings, values)
  if (message !== undefined) throw new StorageOpenError(message)
}

/** Returns the schema that the app's Kysely puts before names of tables, or null. Kysely does not change raw SQL. */
export function schemaOf (db: Kysely<any>): string | null {
  const { from } = db.selectFrom('any').selectAll().compile().query as SelectQueryNode
  return (from?.froms[0] as TableNode).table.schema?.name ?? null
}
