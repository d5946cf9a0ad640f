import type { Kysely } from 'kysely'
import { UnsupportedDatabaseError } from '../../../errors.js'
import type { DialectTraits } from './dialect-traits.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

export type { DialectTraits } from './dialect-traits.js'

// Each dialect has its own form of a parameter and of a quoted name.
const dialects: ReadonlyArray<readonly [RegExp, DialectTraits]> = [
  [/^select \$1 as "name"$/, postgres],
  [/^select \? as `name`$/, mysql],
  [/^select \? as "name"$/, sqlite]
]

/**
 * Returns the traits of the database that a Kysely is for. Detects the database by the SQL that this Kysely writes. Its
 * classes are no evidence, because they may belong to another copy of Kysely, or have other names.
 *
 * @throws {UnsupportedDatabaseError} if the SQL does not belong to a known dialect
 */
export function detectDialect (db: Kysely<any>): DialectTraits {
  const { sql } = db.selectNoFrom(({ val }) => val(1).as('name')).compile()
  const [, traits] = dialects.find(([written]) => written.test(sql)) ?? []
  if (traits === undefined) throw new UnsupportedDatabaseError(db.getExecutor().adapter.constructor.name)
  return traits
}
