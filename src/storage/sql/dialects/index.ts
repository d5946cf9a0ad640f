import type { Kysely } from 'kysely'
import { UnsupportedDatabaseError } from '../../../errors.js'
import type { DialectTraits } from './dialect-traits.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

export type { DialectTraits } from './dialect-traits.js'

// Each dialect writes a parameter and a name differently.
const dialects: ReadonlyArray<readonly [RegExp, DialectTraits]> = [
  [/^select \$1 as "name"$/, postgres],
  [/^select \? as `name`$/, mysql],
  [/^select \? as "name"$/, sqlite]
]

/**
 * Returns the traits of the database that a Kysely is for. Detects them by the SQL that this Kysely writes, because its
 * classes may belong to another copy of Kysely, or have other names.
 *
 * @throws {UnsupportedDatabaseError} if the SQL does not belong to a known dialect
 */
export function detectDialect (db: Kysely<any>): DialectTraits {
  const { sql } = db.selectNoFrom(({ val }) => val(1).as('name')).compile()
  const [, traits] = dialects.find(([written]) => written.test(sql)) ?? []
  if (traits === undefined) throw new UnsupportedDatabaseError(db.getExecutor().adapter.constructor.name)
  return traits
}
