import { expressionBuilder, sql, type Expression, type Selectable, type SqlBool } from 'kysely'
import type { AuditedStorageAdapter, AuditPage, AuditRecord } from '../storage-adapter.js'
import { readAction, writeAction } from './audit-actions.js'
import type { ValueOf } from './compiled-queries.js'
import type { DialectTraits } from './dialects/index.js'
import { toInteger } from './integers.js'
import { readKey, toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'

const members = [
  'id', 'at', 'action', 'actor', 'request_id', 'user_id', 'token_id', 'successor_id', 'changed'
] as const

/** Creates the methods of KyselyStorage that list and prune the audit trail. */
export function createAuditLists (runner: QueryRunner): Pick<AuditedStorageAdapter, 'listAudit' | 'pruneAudit'> {
  const { db, traits, names, rows, queries } = runner

  const readOptionalKey = (key: unknown) => key === null ? null : readKey(key)
  const toAuditRecord = (row: Selectable<Tables['audit']>): AuditRecord => ({
    id: readKey(row.id),
    at: new Date(toInteger(row.at)).toISOString(),
    action: readAction(row.action),
    actor: row.actor,
    request_id: row.request_id,
    user_id: readKey(row.user_id),
    token_id: readOptionalKey(row.token_id),
    successor_id: readOptionalKey(row.successor_id),
    changed: rows.read('json', row.changed) as string[] | null
  })

  /** Deletes the entries from `first` to `last` whose `at` is earlier than `oldest`. Returns their number. */
  async function deleteEntries (first: string, last: string, oldest: number): Promise<number> {
    const { numDeletedRows } = await runner.retried((db) => db.deleteFrom(names.audit)
      .where('id', '>=', Number(first))
      .where('id', '<=', Number(last))
      .where('at', '<', oldest)
      .executeTakeFirstOrThrow())
    return Number(numDeletedRows)
  }

  return {
    async listAudit ({ order, limit, ...filter }) {
      if (filter.after !== undefined && toRowId(filter.after) === undefined) return []
      const given = Object.entries(filter).filter(([, value]) => value !== undefined).map(([name]) => name)
      const values = { ...filterValues(filter), limit }
      const query = queries.get(`listAudit ${order} ${given.join(' ')}`, values, (value) => {
        const page = db.selectFrom(names.audit).select(members).orderBy('id', order).limit(value('limit'))
        return filterConditions(traits, order, filter, value).reduce((page, condition) => page.where(condition), page)
      })
      const { rows: found } = await runner.execute(query)
      return found.map(toAuditRecord)
    },

    async pruneAudit ({ before, now, after, limit }) {
      const found = await runner.retried((db) => db.selectFrom(names.audit).select(['id', 'at', traits.now.as('now')])
        .where('id', '>', after === undefined ? 0 : toRowId(after) ?? 0)
        .orderBy('id')
        .limit(limit)
        .execute())
      const entries = found.map(({ id, at, now }) => ({ id: readKey(id), at: toInteger(at), now: toInteger(now) }))
      const [first] = entries
      if (first === undefined) return { deleted: 0 }
      // A caller whose clock is ahead of the database's clock would delete entries too early.
      const ahead = Math.max(0, Date.parse(now) - first.now)
      const latest = Date.parse(now) - ahead
      const oldest = Date.parse(before) - ahead
      const end = entries.findIndex(({ at }) => at >= oldest && at <= latest)
      const passed = end === -1 ? entries : entries.slice(0, end)
      const last = passed.at(-1)?.id
      const isOld = passed.some(({ at }) => at < oldest)
      return {
        deleted: isOld ? await deleteEntries(first.id, last as string, oldest) : 0,
        last: end === -1 ? last : undefined
      }
    }
  }
}

type Filter = Omit<AuditPage, 'order' | 'limit'>
type FilterValues = ReturnType<typeof filterValues>

function filterValues ({ after, userId, tokenId, action, actor, since, until }: Filter) {
  // An absent filter or a malformed id becomes the key 0, which no row has.
  const toKey = (id: string | undefined) => (id === undefined ? undefined : toRowId(id)) ?? 0
  return {
    after: toKey(after),
    userKey: toKey(userId),
    tokenKey: toKey(tokenId),
    action: action === undefined ? 0 : writeAction(action),
    actor: actor as string,
    since: Date.parse(since ?? ''),
    until: Date.parse(until ?? '')
  }
}

/** Returns the conditions that an entry must meet to be in the list. */
function filterConditions (
  traits: DialectTraits,
  order: AuditPage['order'],
  { after, userId, tokenId, action, actor, since, until }: Filter,
  value: ValueOf<FilterValues>
): Array<Expression<SqlBool>> {
  const eb = expressionBuilder<{ audit: Tables['audit'] }, 'audit'>()
  const conditions: Array<Expression<SqlBool>> = []
  if (after !== undefined) conditions.push(eb('id', order === 'asc' ? '>' : '<', value('after')))
  if (userId !== undefined) {
    const column = sql.ref<number>('user_id')
    // A filter with a user and a token uses the index of the token, because a token has fewer entries than its user.
    const searched = tokenId === undefined ? column : traits.withoutIndex(column)
    conditions.push(eb(searched, '=', traits.lookupValue(value('userKey'))))
  }
  if (tokenId !== undefined) conditions.push(eb('token_id', '=', traits.lookupValue(value('tokenKey'))))
  if (action !== undefined) conditions.push(eb('action', '=', value('action')))
  if (actor !== undefined) conditions.push(traits.isSameText(sql.ref('actor'), value('actor')))
  if (since !== undefined) conditions.push(eb('at', '>=', value('since')))
  if (until !== undefined) conditions.push(eb('at', '<', value('until')))
  return conditions
}
