import { sql, type Kysely, type QueryResult } from 'kysely'
import type { NewTokenRecord, StorageAdapter, TokenRecord } from '../storage-adapter.js'
import type { QueryRunner } from './query-runner.js'
import { toRowId, type TokenWithUserRow } from './rows.js'
import type { Tables } from './tables.js'
import { findUserByKey } from './user-queries.js'
import { unlessReferenced } from './violations.js'

const one = sql.lit(1)

type TokenMethod = 'createToken' | 'findTokenByHash' | 'listTokens' | 'rotateToken' | 'revokeToken' | 'revokeTokens' | 'touchTokens'

/** The methods of KyselyStorage that are about tokens. */
export function createTokenQueries (runner: QueryRunner): Pick<StorageAdapter, TokenMethod> {
  const { db, traits, names, rows, queries } = runner
  const toFound = ({ rows: [row] }: QueryResult<TokenWithUserRow>) => row && rows.toTokenWithUser(row)

  return {
    async createToken (token) {
      return await runner.retried(() => createToken(runner, token))
    },

    findTokenByHash (hash) {
      const result = runner.execute(queries.get('findTokenByHash', { hash }, (value) => db.selectFrom(`${names.tokens} as token`)
        .innerJoin(`${names.users} as user`, 'user.id', 'token.user_id')
        .select(rows.tokenWithUserColumns)
        .where('token.hash', '=', traits.operand(value('hash')))
        .limit(one)))
      return result instanceof Promise ? result.then(toFound) : toFound(result)
    },

    async listTokens (userId) {
      const key = toRowId(userId)
      if (key === undefined) return []
      const { rows: found } = await runner.execute(queries.get('listTokens', { key }, (value) => db.selectFrom(names.tokens)
        .select(rows.tokenColumns)
        .where('user_id', '=', traits.operand(value('key')))
        .orderBy('id')))
      return found.map(rows.toTokenRecord)
    },

    async rotateToken (id, replace) {
      const key = toRowId(id)
      if (key === undefined) return 'absent'
      let added = false
      return await unlessReferenced(traits, () => runner.transaction(async (trx) => {
        added = false
        const old = await lockToken(runner, trx, key)
        if (old === undefined) return 'absent'
        const replacement = replace(old)
        if (replacement === 'rejected') return 'rejected'
        const { expires_at: expiresAt, successor } = replacement
        const token = await createToken(runner, successor, trx)
        // A token without its user is left over where foreign keys are not enforced.
        if (token === 'absent') return 'absent'
        added = true
        if (expiresAt === null) await trx.deleteFrom(names.tokens).where('id', '=', key).execute()
        else await trx.updateTable(names.tokens).set({ expires_at: traits.writeTime(expiresAt) }).where('id', '=', key).execute()
        return token
      }), () => added)
    },

    async revokeToken (id) {
      const key = toRowId(id)
      if (key === undefined) return false
      const query = queries.get('revokeToken', { key }, (value) => db.deleteFrom(names.tokens).where('id', '=', value('key')))
      return await unlessReferenced(traits, async () => (await runner.retried(() => runner.execute(query))).numAffectedRows !== 0n)
    },

    async revokeTokens (userId): Promise<void | 'referenced'> {
      const key = toRowId(userId)
      if (key === undefined) return
      const deleteAll = db.deleteFrom(names.tokens).where('user_id', '=', key)
      const some = db.selectFrom(names.tokens).select('id').where('user_id', '=', key).limit(one)
      // It waits for a rotation that is under way, but the successor may come too late for it to see. Others may go on minting for ever.
      for (let attempt = 0; attempt < 10; attempt++) {
        if (await unlessReferenced(traits, () => runner.retried(() => deleteAll.execute())) === 'referenced') return 'referenced'
        if (await some.executeTakeFirst() === undefined) return
      }
    },

    async touchTokens (ids, lastUsedAt) {
      // In one order everywhere, so that processes wait for each other instead of locking each other out.
      const keys = ids.map(toRowId).filter((key) => key !== undefined).sort((a, b) => a - b)
      if (keys.length === 0) return
      // Lists in few lengths make few statements to prepare: 1, 2, 4, 8… A longer one than the plugin's would run into the databases' limits.
      const length = 2 ** Math.ceil(Math.log2(keys.length))
      if (length <= 512) keys.push(...Array(length - keys.length).fill(keys[0]))
      const time = traits.writeTime(lastUsedAt)
      await runner.retried(() => db.updateTable(names.tokens)
        .set({ last_used_at: time })
        .where('id', 'in', keys)
        .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
        .execute())
    }
  }
}

async function createToken (runner: QueryRunner, token: NewTokenRecord, trx?: Kysely<Tables>): Promise<TokenRecord | 'absent'> {
  const { db, traits, names, rows } = runner
  const userKey = toRowId(token.user_id)
  if (userKey === undefined) return 'absent'
  const values = rows.newToken(token, userKey)
  try {
    const id = await runner.insert('createToken', values, (written) => {
      const insert = db.insertInto(names.tokens)
      if (!traits.supportsInsertFromSelect) return insert.values(written)
      const { user_id: userId, ...rest } = written
      // Selecting the user inside the insert makes "only if it is there" hold without a transaction, and without foreign keys.
      const columns = Object.keys(rest) as Array<keyof typeof rest>
      return insert
        .columns(['user_id', ...columns])
        .expression(({ selectFrom }) => selectFrom(names.users)
          .select(['id', ...columns.map((column) => sql`${rest[column]}`.as(column))])
          .where('id', '=', userId))
    }, trx)
    return id === undefined ? 'absent' : rows.createdToken(id, token)
  } catch (error) {
    // The user is not there, or was deleted at the same moment. If it is there, the key is one of the app's.
    // PostgreSQL answers no look-up in a transaction that has failed; there, the token that is rotated keeps the user from being deleted.
    const isAbsent = traits.isForeignKeyViolation(error) && await findUserByKey(runner, userKey, trx).then((user) => user === undefined, () => false)
    if (isAbsent) return 'absent'
    throw error
  }
}

/** Returns the token, which nobody else can change before the transaction ends. */
async function lockToken ({ traits, names, rows }: QueryRunner, trx: Kysely<Tables>, key: number): Promise<TokenRecord | undefined> {
  let query = trx.selectFrom(names.tokens).select(rows.tokenColumns).where('id', '=', key)
  if (traits.supportsForUpdate) query = query.forUpdate()
  else await trx.updateTable(names.tokens).set(({ ref }) => ({ id: ref('id') })).where('id', '=', key).execute()
  const row = await query.executeTakeFirst()
  return row && rows.toTokenRecord(row)
}
