import type { HashedToken, PortableMethods } from '../storage-adapter.js'
import { padKeys, toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'

/** Creates the method of KyselyStorage that lists tokens with their hashes for an export. */
export function createHashedTokens (runner: QueryRunner): Pick<PortableMethods, 'listHashedTokens'> {
  const { db, names, rows } = runner

  /** Returns the tokens of users, ordered by user and key. If `after` is given, only tokens with a larger key. */
  async function list (userKeys: number[], limit: number, after?: number): Promise<HashedToken[]> {
    const query = db.selectFrom(`${names.tokens} as token`)
      .select([...rows.tokenColumns, 'token.hash'])
      .where('token.user_id', 'in', padKeys(userKeys))
      .orderBy('token.user_id')
      .orderBy('token.id')
      .limit(limit)
    const found = await (after === undefined ? query : query.where('token.id', '>', after)).execute()
    return found.map((row) => ({ token: rows.toTokenRecord(row), hash: rows.readHash(row.hash) }))
  }

  return {
    async listHashedTokens ({ userIds, after, limit }) {
      const keys = userIds.map(toRowId).filter((key) => key !== undefined)
      const found: HashedToken[] = []
      if (after !== undefined && keys.length > 0) {
        // Only the first user can have tokens on an earlier page. A user may have millions of tokens, so this query
        // skips the tokens of earlier pages.
        found.push(...await list(keys.splice(0, 1), limit, toRowId(after)))
      }
      if (keys.length > 0 && found.length < limit) found.push(...await list(keys, limit - found.length))
      return found
    }
  }
}
