import { sql, type Kysely } from 'kysely'
import type { NewTokenRecord, StorageAdapter, TokenRecord } from '../storage-adapter.js'
import type { QueryRunner } from './query-runner.js'
import { toRowId, type TokenWithUserRow } from './rows.js'
import type { Tables } from './tables.js'
import { findUserByKey } from './user-queries.js'
import { unlessReferenced } from './violations.js'

const one = sql.lit(1)

type TokenMethods =
  'createToken' | 'findTokenByHash' | 'listTokens' | 'rotateToken' | 'revokeToken' | 'revokeTokens' | 'touchTokens'

/** Creates the methods of KyselyStorage for tokens. */
export function createTokenQueries (runner: QueryRunner): Pick<StorageAdapter, TokenMethods> {
  const { db, traits, names, rows, queries } = runner
  const toFound = (row: TokenWithUserRow | undefined) => row && rows.toTokenWithUser(row)

  return {
    async createToken (token) {
      return await runner.retried(() => createToken(runner, token))
    },

    findTokenByHash (hash) {
      const query = queries.get('findTokenByHash', { hash }, (value) => db.selectFrom(`${names.tokens} as token`)
        .innerJoin(`${names.users} as user`, 'user.id', 'token.user_id')
        .select(rows.tokenWithUserColumns)
        .where('token.hash', '=', traits.lookupValue(value('hash')))
        .limit(one))
      const result = runner.executeTakeFirst(query)
      // A result that is available at once is returned without a promise.
      return result instanceof Promise ? result.then(toFound) : toFound(result)
    },

    async listTokens (userId) {
      const key = toRowId(userId)
      if (key === undefined) return []
      const query = queries.get('listTokens', { key }, (value) => db.selectFrom(names.tokens)
        .select(rows.tokenColumns)
        .where('user_id', '=', traits.lookupValue(value('key')))
        .orderBy('id'))
      const { rows: found } = await runner.execute(query)
      return found.map(rows.toTokenRecord)
    },

    async rotateToken (id, replace) {
      const key = toRowId(id)
      if (key === undefined) return 'absent'
      let isCreated = false
      return await unlessReferenced(traits, () => runner.transaction(async (trx) => {
        isCreated = false
        const old = await lockToken(runner, trx, key)
        if (old === undefined) return 'absent'
        const replacement = replace(old)
        if (replacement === 'rejected') return 'rejected'
        const { expires_at: expiresAt, successor } = replacement
        const token = await createToken(runner, successor, trx)
        // A token can outlive its user if foreign keys are not enforced.
        if (token === 'absent') return 'absent'
        isCreated = true
        if (expiresAt === null) await trx.deleteFrom(names.tokens).where('id', '=', key).execute()
        else {
          const time = traits.writeTime(expiresAt)
          await trx.updateTable(names.tokens).set({ expires_at: time }).where('id', '=', key).execute()
        }
        return token
      }), () => isCreated)
    },

    async revokeToken (id) {
      const key = toRowId(id)
      if (key === undefined) return false
      const query = queries.get('revokeToken', { key }, (value) => db.deleteFrom(names.tokens)
        .where('id', '=', value('key')))
      return await unlessReferenced(traits, async () => {
        const { numAffectedRows } = await runner.retried(() => runner.execute(query))
        return numAffectedRows !== 0n
      })
    },

    async revokeTokens (userId): Promise<void | 'referenced'> {
      const key = toRowId(userId)
      if (key === undefined) return
      const deleteAll = db.deleteFrom(names.tokens).where('user_id', '=', key)
      const some = db.selectFrom(names.tokens).select('id').where('user_id', '=', key).limit(one)
      // The delete waits for a rotation in progress, but may not see the successor that the rotation creates.
      // The number of attempts is limited, because other callers may keep creating tokens.
      for (let attempt = 0; attempt < 10; attempt++) {
        const outcome = await unlessReferenced(traits, () => runner.retried(() => deleteAll.execute()))
        if (outcome === 'referenced') return 'referenced'
        if (await some.executeTakeFirst() === undefined) return
      }
    },

    async touchTokens (ids, lastUsedAt) {
      // The keys are sorted, because processes that lock rows in different orders can deadlock.
      const keys = ids.map(toRowId).filter((key) => key !== undefined).sort((a, b) => a - b)
      if (keys.length === 0) return
      // Padding to 1, 2, 4, 8… keys keeps the number of prepared statements low. Long lists, which the plugin does not
      // send, are not padded, because databases limit the number of parameters.
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

async function createToken (
  runner: QueryRunner,
  token: NewTokenRecord,
  trx?: Kysely<Tables>
): Promise<TokenRecord | 'absent'> {
  const { db, traits, names, rows } = runner
  const userKey = toRowId(token.user_id)
  if (userKey === undefined) return 'absent'
  const values = rows.newToken(token, userKey)
  try {
    const id = await runner.insert('createToken', values, (written) => {
      const insert = db.insertInto(names.tokens)
      if (!traits.supportsInsertFromSelect) return insert.values(written)
      const { user_id: userId, ...rest } = written
      // This insert selects the row of the user, so it does not need a transaction or a foreign key.
      const columns = Object.keys(rest) as Array<keyof typeof rest>
      return insert
        .columns(['user_id', ...columns])
        .expression(({ selectFrom }) => selectFrom(names.users)
          .select(['id', ...columns.map((column) => sql`${rest[column]}`.as(column))])
          .where('id', '=', userId))
    }, trx)
    return id === undefined ? 'absent' : rows.createdToken(id, token)
  } catch (error) {
    if (traits.isForeignKeyViolation(error) && await isAbsent(runner, userKey, trx)) return 'absent'
    throw error
  }
}

/** Returns whether the user is absent. If the user exists, the violated foreign key is one of the app. */
async function isAbsent (runner: QueryRunner, userKey: number, trx?: Kysely<Tables>): Promise<boolean> {
  try {
    return await findUserByKey(runner, userKey, trx) === undefined
  } catch {
    // PostgreSQL rejects queries in a transaction that has failed. In that case the user exists, because the locked
    // token refers to it.
    return false
  }
}

/** Returns the token, locked until the transaction ends. Returns `undefined` if there is none. */
async function lockToken (
  { traits, names, rows }: QueryRunner,
  trx: Kysely<Tables>,
  key: number
): Promise<TokenRecord | undefined> {
  let query = trx.selectFrom(names.tokens).select(rows.tokenColumns).where('id', '=', key)
  if (traits.supportsForUpdate) query = query.forUpdate()
  else await trx.updateTable(names.tokens).set(({ ref }) => ({ id: ref('id') })).where('id', '=', key).execute()
  const row = await query.executeTakeFirst()
  return row && rows.toTokenRecord(row)
}
