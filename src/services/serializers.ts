import type { Token } from '../schemas/tokens.js'
import type { User } from '../schemas/users.js'
import type { TokenRecord, UserRecord } from '../storage/storage-adapter.js'
import { toId } from './ids.js'

/** Returns a user as in the HTTP API. `disabled` is absent if it is false, and `data` if it is null. */
export function toUser (record: UserRecord): User {
  const user: User = {
    id: toId('user', record.id),
    email: record.email,
    name: record.name,
    max_concurrent_bots: record.max_concurrent_bots,
    created_at: record.created_at
  }
  if (record.disabled) user.disabled = true
  if (record.data !== null) user.data = record.data
  return user
}

/** Returns a token as in the HTTP API, with `***` as its value by default. Members that are null are absent. */
export function toToken (record: TokenRecord, value = '***'): Token {
  const token: Token = {
    id: toId('token', record.id),
    token: value,
    user_id: toId('user', record.user_id),
    created_at: record.created_at
  }
  if (record.name !== null) token.name = record.name
  if (record.scopes !== null) token.scopes = record.scopes
  if (record.expires_at !== null) token.expires_at = record.expires_at
  if (record.last_used_at !== null) token.last_used_at = record.last_used_at
  return token
}
