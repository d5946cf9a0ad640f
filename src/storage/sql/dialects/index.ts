import type { Kysely } from 'kysely'
import { UnsupportedDatabaseError } from '../../../errors.js'
import type { DialectTraits } from './dialect-traits.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

export type { DialectTraits } from './dialect-traits.js'

// How each language writes a parameter and a name.
const languages: ReadonlyArray<readonly [RegExp, DialectTraits]> = [
  [/^select \$1 as "name"$/, postgres],
  [/^select \? as `name`$/, mysql],
  [/^select \? as "name"$/, sqlite]
]

/**
 * The database that a Kysely is for, by the language that it writes: the classes of its dialect may be those of another copy of Kysely,
 * or bear other names.
 *
 * @throws {UnsupportedDatabaseError} if it is none of those that are known here
 */
export function detectDialect (db: Kysely<any>): DialectTraits {
  const { sql } = db.selectNoFrom(({ val }) => val(1).as('name')).compile()
  const [, database] = languages.find(([written]) => written.test(sql)) ?? []
  if (database === undefined) throw new UnsupportedDatabaseError(db.getExecutor().adapter.constructor.name)
  return database
}
