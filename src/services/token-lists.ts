import { TokenNotFoundError } from '../errors.js'
import { normalizeForSearch } from '../normalize.js'
import { toRecordTime } from '../schemas/time.js'
import { createFindTokens, ListTokens } from '../schemas/token-lists.js'
import { validator } from '../schemas/validator.js'
import type { Storage } from '../storage/storage-adapter.js'
import { findUserKey } from './find-user-key.js'
import { toKey } from './ids.js'
import { toFoundToken, toToken } from './serializers.js'
import { toTime } from './token-times.js'
import type { TokenRouteService, TokenServiceOptions } from './tokens.js'

type TokenLists = Pick<TokenRouteService, 'find' | 'get' | 'list'>

const validateList = validator(ListTokens)

/** Creates the methods of the token service that only read. */
export function createTokenLists (
  storage: Pick<Storage, 'countTokens' | 'findToken' | 'findUser' | 'listTokens'>, options: TokenServiceOptions
): TokenLists {
  const validateFind = validator(createFindTokens(options.tokenPrefix))

  return {
    async get (id) {
      const key = toKey('token', id)
      const found = key === undefined ? undefined : await storage.findToken(key)
      if (found === undefined) throw new TokenNotFoundError()
      return toFoundToken(found)
    },

    async find (query) {
      validateFind(query)
      const { after, limit = 100, order = 'asc', count = false, search, start, state } = query
      const { unused_since: unusedSince, expires_before: expiresBefore } = query
      const filter = {
        // An empty `search` must select all tokens. As a filter, an empty text would leave out tokens without a name.
        search: search ? normalizeForSearch(search) : undefined,
        start,
        state: state && { is: state, at: toTime(Date.now()) },
        unusedSince: unusedSince && toRecordTime(unusedSince),
        expiresBefore: expiresBefore && toRecordTime(expiresBefore)
      }
      // One token more than requested shows whether there is a next page.
      const tokens = await storage.listTokens({
        order, after: after && toKey('token', after), limit: limit + 1, ...filter
      })
      const total = count ? await storage.countTokens(filter) : undefined
      return { tokens: tokens.slice(0, limit).map(toFoundToken), more: tokens.length > limit, total }
    },

    async list (userId, page) {
      validateList(page)
      const { after, limit = 1000, order = 'asc' } = page
      const tokens = await storage.listTokens({
        userId: await findUserKey(storage, userId), order, after: after && toKey('token', after), limit: limit + 1
      })
      return { tokens: tokens.slice(0, limit).map(({ token }) => toToken(token)), more: tokens.length > limit }
    }
  }
}
