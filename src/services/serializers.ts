import type { AuditEntry } from '../schemas/audit.js'
import type { FoundToken } from '../schemas/token-lists.js'
import type { Token } from '../schemas/tokens.js'
import type { User } from '../schemas/users.js'
import type { AuditRecord, ListedToken, TokenRecord, UserRecord } from '../storage/storage-adapter.js'
import { toId } from './ids.js'

/** Returns a user as in the HTTP API. `disabled` is absent if it is false, and `data` is absent if it is null. */
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

/**
 * Returns a token as in the HTTP API, with `***` as its value by default. Members that are null are absent, and
 * `disabled` is absent if it is false.
 */
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
  if (record.disabled) token.disabled = true
  if (record.data !== null) token.data = record.data
  if (record.start !== null) token.start = record.start
  return token
}

/** Returns a token and its user, as in lists of the HTTP API. */
export function toFoundToken ({ token, user: { id, email, name } }: ListedToken): FoundToken {
  return Object.assign(toToken(token), { user: { id: toId('user', id), email, name } })
}

/** Returns an entry of the audit trail as in the HTTP API. Members that are null are absent. */
export function toAuditEntry (record: AuditRecord): AuditEntry {
  const entry: AuditEntry = {
    id: toId('audit', record.id),
    at: record.at,
    action: record.action,
    user_id: toId('user', record.user_id)
  }
  if (record.actor !== null) entry.actor = record.actor
  if (record.request_id !== null) entry.request_id = record.request_id
  if (record.token_id !== null) entry.token_id = toId('token', record.token_id)
  if (record.successor_id !== null) entry.successor_id = toId('token', record.successor_id)
  if (record.changed !== null) entry.changed = record.changed
  return entry
}
