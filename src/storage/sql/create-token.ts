import { sql, type Kysely } from 'kysely'
import type { NewAuditRecord, NewTokenRecord, TokenRecord } from '../storage-adapter.js'
import { auditedInsert } from './audit-trail.js'
import { toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'
import { findUserByKey } from './user-queries.js'

/**
 * Creates a token: within `trx` if it is given, and with `entry` if it is given. Returns `'absent'` if the user of the
 * token is absent.
 */
export async function createToken (
  runner: QueryRunner,
  token: NewTokenRecord,
  { trx, entry }: { trx?: Kysely<Tables>, entry?: NewAuditRecord | undefined } = {}
): Promise<TokenRecord | 'absent'> {
  const { db, traits, names, rows } = runner
  const userKey = toRowId(token.user_id)
  if (userKey === undefined) return 'absent'
  const values = rows.newToken(token, userKey)
  const build = (written: typeof values) => {
    const insert = db.insertInto(names.tokens)
    if (!traits.supportsInsertFromSelect) return insert.values(written)
    const { user_id: userId, ...rest } = written
    // If the user is absent, this insert selects no row and creates no token. So the insert needs no transaction and no
    // foreign key.
    const columns = Object.keys(rest) as Array<keyof typeof rest>
    return insert
      .columns(['user_id', ...columns])
      .expression(({ selectFrom }) => {
        const user = selectFrom(names.users)
          .select(['id', ...columns.map((column) => sql`${rest[column]}`.as(column))])
          .where('id', '=', userId)
        // Locks the user before the counter of entries. The foreign key would lock the user after the counter, and the
        // statement could deadlock with a deletion of the user.
        return entry !== undefined && traits.supportsDataModifyingCte ? user.forKeyShare() : user
      })
  }
  try {
    const id = trx === undefined
      ? await auditedInsert(runner, 'createToken', values, build, entry, { user_id: 'user_id', token_id: 'id' })
      : await runner.insert('createToken', values, build, trx)
    return id === undefined ? 'absent' : rows.createdToken(id, token)
  } catch (error) {
    if (traits.isForeignKeyViolation(error) && await isAbsent(runner, userKey, trx)) return 'absent'
    throw error
  }
}

/** Returns whether the user is absent. If the user exists, the violated foreign key is one that the app has added. */
async function isAbsent (runner: QueryRunner, userKey: number, trx?: Kysely<Tables>): Promise<boolean> {
  try {
    return await findUserByKey(runner, userKey, trx) === undefined
  } catch {
    // PostgreSQL rejects queries in a transaction that has failed. Only a rotation passes a transaction. In a rotation,
    // the user exists, because the locked old token refers to the user.
    return false
  }
}
