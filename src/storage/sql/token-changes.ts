import type { Kysely } from 'kysely'
import type { StorageAdapter, TokenRecord } from '../storage-adapter.js'
import { addEntry } from './audit-trail.js'
import { createToken } from './create-token.js'
import { toInteger } from './integers.js'
import { toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'
import { unlessReferenced } from './violations.js'

/** Creates the methods of KyselyStorage that lock a token, so that changes of one token run one after the other. */
export function createTokenChanges (runner: QueryRunner): Pick<StorageAdapter, 'updateToken' | 'rotateToken'> {
  const { traits, names, rows } = runner

  return {
    async updateToken (id, change, entry) {
      const key = toRowId(id)
      if (key === undefined) return 'absent'
      return await runner.transaction(async (trx) => {
        const current = await lockToken(runner, trx, key)
        if (current === undefined) return 'absent'
        const changes = change(current.token)
        if (changes === 'rejected') return 'rejected'
        const written = rows.tokenChanges(changes)
        if (Object.values(written).some((value) => value !== undefined)) {
          await trx.updateTable(names.tokens).set(written).where('id', '=', key).execute()
          await addEntry(runner, trx, entry, { user_id: current.token.user_id, token_id: key })
        }
        return rows.changedToken(current.token, changes)
      })
    },

    async rotateToken (id, replace, entry) {
      const key = toRowId(id)
      if (key === undefined) return 'absent'
      let isCreated = false
      return await unlessReferenced(traits, () => runner.transaction(async (trx) => {
        isCreated = false
        const old = await lockToken(runner, trx, key)
        if (old === undefined) return 'absent'
        const replacement = replace(old.token, await findSuccessor(runner, trx, old.successorKey))
        if (replacement === 'rejected') return 'rejected'
        const { expires_at: expiresAt, successor } = replacement
        const token = await createToken(runner, successor, { trx })
        // If the database does not enforce foreign keys, a token can exist after the deletion of its user.
        if (token === 'absent') return 'absent'
        isCreated = true
        if (expiresAt === null) await trx.deleteFrom(names.tokens).where('id', '=', key).execute()
        else {
          const changes = { expires_at: traits.writeTime(expiresAt), successor_id: toRowId(token.id) }
          await trx.updateTable(names.tokens).set(changes).where('id', '=', key).execute()
        }
        await addEntry(runner, trx, entry, { user_id: token.user_id, token_id: key, successor_id: token.id })
        return token
      }), () => isCreated)
    }
  }
}

/**
 * Locks the token until the transaction ends. Returns the token, and the key of the latest successor. Returns
 * `undefined` if no token has this key.
 */
export async function lockToken (
  { traits, names, rows }: QueryRunner,
  trx: Kysely<Tables>,
  key: number
): Promise<{ token: TokenRecord, successorKey: unknown } | undefined> {
  let query = trx.selectFrom(`${names.tokens} as token`).select([...rows.tokenColumns, 'successor_id'])
    .where('id', '=', key)
  if (traits.supportsForUpdate) query = query.forUpdate()
  else await trx.updateTable(names.tokens).set(({ ref }) => ({ id: ref('id') })).where('id', '=', key).execute()
  const row = await query.executeTakeFirst()
  return row && { token: rows.toTokenRecord(row), successorKey: row.successor_id }
}

/**
 * Returns the successor with the key that `lockToken` has read. Returns `undefined` if the successor does not exist.
 */
async function findSuccessor (
  { names, rows }: QueryRunner,
  trx: Kysely<Tables>,
  key: unknown
): Promise<TokenRecord | undefined> {
  if (key === null) return undefined
  const row = await trx.selectFrom(`${names.tokens} as token`).select(rows.tokenColumns)
    .where('id', '=', toInteger(key))
    .executeTakeFirst()
  return row && rows.toTokenRecord(row)
}
