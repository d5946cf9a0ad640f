import type { Kysely } from 'kysely'
import type { DialectTraits } from './dialects/index.js'
import { toInteger } from './integers.js'
import { retryConflicts } from './retry-conflicts.js'
import { counterId, type TableNames, type Tables } from './tables.js'

/**
 * Raises the counter of the audit trail to the key of the last entry if the counter is lower. Creates the counter if it
 * is missing. After a restore of single tables, the counter can be too low or missing, and each change with an entry
 * would fail. Other processes may make changes and call this function at the same time.
 */
export async function mendCounter (db: Kysely<Tables>, traits: DialectTraits, names: TableNames): Promise<void> {
  if (traits.keysAreConsecutive) return
  const { entry, counter } = await db.selectNoFrom(({ selectFrom }) => [
    selectFrom(names.audit).select(({ fn }) => fn.max('id').as('id')).as('entry'),
    selectFrom(names.audit_last).select('last').where('id', '=', counterId).as('counter')
  ]).executeTakeFirstOrThrow()
  const last = toInteger(entry ?? 0)
  if (counter === null) return createCounter(db, traits, names, last)
  if (toInteger(counter) >= last) return
  await retryConflicts(traits, () => db.updateTable(names.audit_last).set({ last })
    .where('id', '=', counterId)
    // Another process may have raised the counter meanwhile. This condition keeps the counter from being lowered.
    .where('last', '<', last)
    .execute())
}

async function createCounter (
  db: Kysely<Tables>, traits: DialectTraits, names: TableNames, last: number
): Promise<void> {
  try {
    await db.insertInto(names.audit_last).values({ id: counterId, last }).execute()
  } catch (error) {
    // Another process may create the counter at the same time.
    if (!traits.isUniqueViolation(error)) throw error
  }
}
