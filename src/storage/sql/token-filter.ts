import { expressionBuilder, sql, type Expression, type SqlBool } from 'kysely'
import type { TokenFilter } from '../storage-adapter.js'
import type { ValueOf } from './compiled-queries.js'
import type { DialectTraits } from './dialects/index.js'
import { toRowId } from './keys.js'
import type { Tables } from './tables.js'

/** The values of a filter, in the form that the database accepts. */
export interface FilterValues {
  readonly [name: string]: unknown
  readonly userKey: number
  readonly search: string
  readonly start: string
  readonly at: string
  readonly disabled: boolean | number
  readonly unusedSince: string
  readonly expiresBefore: string
}

/** Returns a name for the SQL of a filter. Two filters whose conditions have different SQL have different names. */
export function filterName ({ state, ...others }: TokenFilter): string {
  const given = Object.entries(others).filter(([, value]) => value !== undefined)
  return [state?.is, ...given.map(([name]) => name)].join(' ')
}

/** Returns the values of a filter. A missing member gets an arbitrary value, which no query uses. */
export function filterValues (traits: DialectTraits, filter: TokenFilter): FilterValues {
  const { userId, search = '', start = '', state, unusedSince, expiresBefore } = filter
  const writeTime = (time: string | undefined) => time === undefined ? '' : traits.writeTime(time)
  return {
    // A malformed id becomes the key 0, which no row has.
    userKey: (userId === undefined ? undefined : toRowId(userId)) ?? 0,
    search,
    start,
    at: writeTime(state?.at),
    disabled: traits.writeBoolean(state?.is === 'disabled'),
    unusedSince: writeTime(unusedSince),
    expiresBefore: writeTime(expiresBefore)
  }
}

/** The column whose index finds the rows of a list. */
export type ListIndex = 'id' | 'user_id' | 'start' | 'expires_at'

/** Returns the column whose index reads the fewest rows for a filter, or `'id'` if no index helps. */
export function indexFor ({ userId, start, state, expiresBefore }: TokenFilter): ListIndex {
  if (userId !== undefined) return 'user_id'
  if (start !== undefined) return 'start'
  return expiresBefore !== undefined || state?.is === 'expired' ? 'expires_at' : 'id'
}

/**
 * Returns a reference to a column of the table `token`. On SQLite, the form of the reference makes the database use
 * `index` and no other index. SQLite has no statistics of the values, and could choose an index that reads many more
 * rows.
 */
export function listColumn (traits: DialectTraits, index: ListIndex, column: ListIndex): Expression<any> {
  const isServed = column === index || (column === 'id' && index === 'user_id')
  const reference = sql.ref(`token.${column}`)
  return isServed ? reference : traits.withoutIndex(reference)
}

/** Returns the conditions of a filter for rows of the table `token`, grouped by the column whose index serves them. */
export function filterConditions (
  traits: DialectTraits, filter: TokenFilter, index: ListIndex, value: ValueOf<FilterValues>
): Record<ListIndex | 'none', Array<Expression<SqlBool>>> {
  const { userId, search, start, state, unusedSince, expiresBefore } = filter
  const eb = expressionBuilder<{ token: Tables['tokens'] }, 'token'>()
  const conditions: ReturnType<typeof filterConditions> = { id: [], user_id: [], start: [], expires_at: [], none: [] }

  if (userId !== undefined) conditions.user_id.push(eb('token.user_id', '=', traits.lookupValue(value('userKey'))))
  if (start !== undefined) {
    conditions.start.push(traits.startsWith(listColumn(traits, index, 'start'), value('start')))
  }
  const expiresAt = listColumn(traits, index, 'expires_at')
  if (expiresBefore !== undefined) conditions.expires_at.push(eb(expiresAt, '<', value('expiresBefore')))
  if (state?.is === 'expired') conditions.expires_at.push(eb(expiresAt, '<=', value('at')))
  else if (state !== undefined) {
    conditions.none.push(eb('token.disabled', '=', value('disabled')))
    const endsLater = eb(expiresAt, '>', value('at'))
    // `expiresBefore` leaves out tokens that never expire. The index has all other tokens, so the index can serve this
    // condition.
    if (expiresBefore !== undefined) conditions.expires_at.push(endsLater)
    else conditions.none.push(eb.or([eb('token.expires_at', 'is', null), endsLater]))
  }
  if (search !== undefined) conditions.none.push(traits.contains(sql.ref('token.searchable_name'), value('search')))
  if (unusedSince !== undefined) {
    const lastUse = eb.fn.coalesce('token.last_used_at', 'token.created_at')
    conditions.none.push(eb(lastUse, '<', value('unusedSince')))
  }
  return conditions
}
