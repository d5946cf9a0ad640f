import { sql, type Kysely } from 'kysely'
import type { StorageAdapter } from '../storage-adapter.js'
import { audited, lockCounter } from './audit-trail.js'
import { createToken } from './create-token.js'
import { padKeys, toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { TokenWithUserRow } from './rows.js'
import type { Tables } from './tables.js'
import { lockToken } from './token-changes.js'
import { unlessReferenced } from './violations.js'

const one = sql.lit(1)

type TokenMethods =
  'createToken' | 'findTokenByHash' | 'findToken' | 'revokeToken' | 'revokeTokens' | 'touchTokens'

/** Selects tokens and their users. */
export function tokensWithUsers ({ db, names }: QueryRunner) {
  return db.selectFrom(`${names.tokens} as token`).innerJoin(`${names.users} as user`, 'user.id', 'token.user_id')
}

/** Creates the methods of KyselyStorage for tokens, except those of `token-lists.ts` and `token-changes.ts`. */
export function createTokenQueries (runner: QueryRunner): Pick<StorageAdapter, TokenMethods> {
  const { db, traits, names, rows, queries } = runner
  const toFound = (row: TokenWithUserRow | undefined) => row && rows.toTokenWithUser(row)
  const withUsers = () => tokensWithUsers(runner)

  return {
    async createToken (token, entry) {
      return await createToken(runner, token, { entry })
    },

    findTokenByHash (hash) {
      const query = queries.get('findTokenByHash', { hash }, (value) => withUsers()
        .select(rows.tokenWithUserColumns)
        .where('token.hash', '=', traits.lookupValue(value('hash')))
        .limit(one))
      const result = runner.executeTakeFirst(query)
      // If SQLite has the result at once, this method returns it without a promise.
      return result instanceof Promise ? result.then(toFound) : toFound(result)
    },

    async findToken (id) {
      const key = toRowId(id)
      if (key === undefined) return undefined
      const query = queries.get('findToken', { key }, (value) => withUsers()
        .select(rows.listedTokenColumns)
        .where('token.id', '=', value('key'))
        .limit(one))
      const row = await runner.executeTakeFirst(query)
      return row && rows.toListedToken(row)
    },

    async revokeToken (id, entry) {
      const key = toRowId(id)
      if (key === undefined) return false
      const query = queries.get('revokeToken', { key }, (value) => db.deleteFrom(names.tokens)
        .where('id', '=', value('key')))
      const revoke = async (db: Kysely<Tables>) => {
        // The entry needs the key of the user. Only the token has this key, so the token must be read before the
        // deletion.
        const locked = entry === undefined ? undefined : await lockToken(runner, db, key)
        const { numAffectedRows } = await runner.execute(query, db)
        // A driver may leave the number out if no row is affected, as kysely-pglite-dialect does.
        return { isDone: (numAffectedRows ?? 0n) > 0n, userId: locked?.token.user_id }
      }
      return await unlessReferenced(traits, async () => {
        const { isDone } = await audited(runner, entry, revoke, ({ isDone, userId }) =>
          isDone && userId !== undefined ? { user_id: userId, token_id: key } : undefined)
        return isDone
      })
    },

    async revokeTokens (userId, entry): Promise<void | 'referenced'> {
      const key = toRowId(userId)
      if (key === undefined) return
      const deleteAll = async (db: Kysely<Tables>) => {
        const query = db.deleteFrom(names.tokens).where('user_id', '=', key)
        return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n
      }
      const deleteInOrder = async (trx: Kysely<Tables>) => {
        const isDone = await deleteAll(trx)
        // This entry must cover each token whose entry is earlier. Some of these tokens were created after the first
        // deletion. While the counter is locked, all of these tokens are committed, so the second deletion finds them.
        await lockCounter(runner, trx)
        return await deleteAll(trx) || isDone
      }
      const some = db.selectFrom(names.tokens).select('id').where('user_id', '=', key).limit(one).compile()
      // Without an entry, the deletion waits for a rotation in progress, but can miss the successor. So the loop
      // repeats it. The number of attempts is limited, because other callers may create tokens all the time.
      for (let attempt = 0; attempt < 10; attempt++) {
        const write = entry === undefined ? deleteAll : deleteInOrder
        const outcome = await unlessReferenced(traits, () => audited(runner, entry, write, (isDone) =>
          isDone ? { user_id: key } : undefined))
        if (outcome === 'referenced') return 'referenced'
        if (entry !== undefined || await runner.executeTakeFirst(some) === undefined) return
      }
    },

    async touchTokens (ids, lastUsedAt) {
      // The keys are sorted, because two processes that lock the same rows in different orders can deadlock.
      const keys = ids.map(toRowId).filter((key) => key !== undefined).sort((a, b) => a - b)
      if (keys.length === 0) return
      const time = traits.writeTime(lastUsedAt)
      await runner.retried((db) => db.updateTable(names.tokens)
        .set({ last_used_at: time })
        .where('id', 'in', padKeys(keys))
        .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
        .execute())
    }
  }
}
