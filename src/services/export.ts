import { setImmediate } from 'node:timers/promises'
import type { ImportLine } from '../schemas/import.js'
import type { HashedToken, PortableMethods, Storage, UserRecord } from '../storage/storage-adapter.js'
import { toId } from './ids.js'
import { toToken, toUser } from './serializers.js'

// Maximum number of users or tokens in memory. Each may have a large `data`.
const pageSize = 500

/** Exports all users and tokens, as TransferService describes. */
export async function * exportLines (
  storage: Pick<Storage, 'listUsers'>, portable: Pick<PortableMethods, 'listHashedTokens'>
): AsyncGenerator<ImportLine, void, undefined> {
  let users: UserRecord[] = []
  do {
    users = await storage.listUsers({ order: 'asc', after: users.at(-1)?.id, skip: 0, limit: pageSize })
    const tokens = tokensOf(portable, users.map(({ id }) => id))
    let token = await tokens.next()
    for (const user of users) {
      yield toUserLine(user)
      while (!token.done && token.value.token.user_id === user.id) {
        yield toTokenLine(token.value)
        token = await tokens.next()
      }
    }
    // This lets other requests run between two pages, even if the storage answers at once.
    await setImmediate()
  } while (users.length === pageSize)
}

/** Yields the tokens of users, in the order of the users. */
async function * tokensOf (
  portable: Pick<PortableMethods, 'listHashedTokens'>, userIds: string[]
): AsyncGenerator<HashedToken, void, undefined> {
  let rest = userIds
  let after: string | undefined
  while (rest.length > 0) {
    const page = await portable.listHashedTokens({ userIds: rest, after, limit: pageSize })
    yield * page
    const last = page.at(-1)?.token
    rest = page.length < pageSize ? [] : rest.slice(rest.indexOf(last?.user_id as string))
    after = last?.id
  }
}

function toUserLine (record: UserRecord): ImportLine {
  const user = toUser(record)
  return { user: { ref: user.id, ...user } }
}

function toTokenLine ({ token: record, hash }: HashedToken): ImportLine {
  const { id, token: _, user_id: user, ...rest } = toToken(record)
  // After a rotation, the old token has an expiry and no lifetime. For a line without `expires_in`, an import would
  // compute a lifetime.
  const lifetime = record.expires_at === null ? {} : { expires_in: record.expires_in }
  return { token: { id: toId('token', record.id), user, sha256: hash.toString('hex'), ...rest, ...lifetime } }
}
