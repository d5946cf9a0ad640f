import { sql, type Expression, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { StorageAdapter, TokenFilter, TokenPage } from '../storage-adapter.js'
import type { ValueOf } from './compiled-queries.js'
import { toInteger } from './integers.js'
import { maxPaddedKeys, padKeys, toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import {
  filterConditions, filterName, filterValues, indexFor, listColumn, type FilterValues, type ListIndex
} from './token-filter.js'
import { tokensWithUsers } from './token-queries.js'
import { unlessReferenced } from './violations.js'

const one = sql.lit(1)
// Rows that the index of another column finds must be sorted by key: 20,000 rows take up to 20 ms. For more rows, a
// search in the order of the keys is faster, unless all of the rows are at its end.
const maxSorted = 20_000

/** Creates the methods of KyselyStorage that select tokens by a filter. */
export function createTokenLists (
  runner: QueryRunner
): Pick<StorageAdapter, 'listTokens' | 'countTokens' | 'pruneTokens'> {
  const { db, traits, names, rows, queries } = runner
  const allConditions = (filter: TokenFilter, index: ListIndex, value: ValueOf<FilterValues>) =>
    Object.values(filterConditions(traits, filter, index, value)).flat()
  const tokens = () => db.selectFrom(`${names.tokens} as token`)

  /**
   * Returns the index that finds a page of a list of tokens fast. SQLite has no statistics to choose an index by. With
   * a bad index, SQLite sorts half a million tokens for each page, or reads a million tokens to find a few. Either
   * takes 0.2 to 0.4 s, and blocks the event loop.
   */
  async function chooseIndex (filter: TokenFilter): Promise<ListIndex> {
    const index = indexFor(filter)
    if (traits.hasStatistics || index === 'id' || index === 'user_id') return index
    const query = queries.get(`chooseIndex ${filterName(filter)}`, filterValues(traits, filter), (value) => {
      const conditions = filterConditions(traits, filter, index, value)[index]
      return whereAll(tokens().select(one.as('one')).limit(one).offset(sql.lit(maxSorted)), conditions)
    })
    return await runner.executeTakeFirst(query) === undefined ? index : 'id'
  }

  /**
   * Returns the rows of a page.
   *
   * @param name identifies what `from` selects, as a part of the name of the compiled query
   * @param from returns a query that selects tokens, to which this function adds the filter, the order and the limit
   */
  async function findPage<Row> (
    name: string, { order, after, limit, ...filter }: TokenPage, from: () => SelectQueryBuilder<any, any, Row>
  ): Promise<Row[]> {
    const key = after === undefined ? undefined : toRowId(after)
    if (after !== undefined && key === undefined) return []
    const index = await chooseIndex(filter)
    const values = { ...filterValues(traits, filter), key, limit }
    const given = `${filterName(filter)} ${key === undefined ? '' : 'after'}`
    const query = queries.get(`${name} ${order} ${index} ${given}`, values, (value) => {
      const id = listColumn(traits, index, 'id')
      const page = from().orderBy(id, order).limit(value('limit'))
      const rest = key === undefined ? page : page.where(id, order === 'asc' ? '>' : '<', value('key'))
      return whereAll(rest, allConditions(filter, index, value))
    })
    const { rows: found } = await runner.execute(query)
    return found
  }

  return {
    async listTokens (page) {
      const found = await findPage('listTokens', page, () => tokensWithUsers(runner).select(rows.listedTokenColumns)
        // Without `straight_join`, MariaDB reads the users first, and sorts all tokens for each page.
        .$if(traits.supportsStraightJoin, (query) => query.modifyFront(sql`straight_join`)))
      return found.map(rows.toListedToken)
    },

    async countTokens (filter = {}) {
      const values = filterValues(traits, filter)
      const query = queries.get(`countTokens ${filterName(filter)}`, values, (value) => whereAll(
        tokens().select(({ fn }) => fn.countAll().as('count')), allConditions(filter, indexFor(filter), value)
      ))
      const row = await runner.executeTakeFirst(query)
      return toInteger(row?.count)
    },

    async pruneTokens ({ expiredBefore, after, limit }) {
      const page = { order: 'asc', expiresBefore: expiredBefore, after, limit } as const
      const found = await findPage('pruneTokens', page, () => tokens().select('token.id'))
      const keys = found.map(({ id }) => toInteger(id))
      return { deleted: await deleteExpired(runner, keys, expiredBefore), last: keys.at(-1)?.toString() }
    }
  }
}

/** Adds conditions to a query. */
function whereAll<Query extends { where (condition: Expression<SqlBool>): Query }> (
  query: Query, conditions: ReadonlyArray<Expression<SqlBool>>
): Query {
  return conditions.reduce((query, condition) => query.where(condition), query)
}

/** Deletes tokens, except tokens whose deletion a foreign key forbids. Returns the number of deleted tokens. */
async function deleteExpired (runner: QueryRunner, keys: number[], expiredBefore: string): Promise<number> {
  const { traits, names } = runner
  if (keys.length === 0) return 0
  if (keys.length <= maxPaddedKeys) {
    const result = await unlessReferenced(traits, () => runner.retried((db) => db.deleteFrom(names.tokens)
      .where('id', 'in', padKeys(keys))
      // Another call may have given a selected token a later expiry meanwhile.
      .where('expires_at', '<', traits.writeTime(expiredBefore))
      .executeTakeFirstOrThrow()))
    if (result !== 'referenced') return Number(result.numDeletedRows)
    if (keys.length === 1) return 0
  }
  const half = keys.length >> 1
  return await deleteExpired(runner, keys.slice(0, half), expiredBefore) +
    await deleteExpired(runner, keys.slice(half), expiredBefore)
}
