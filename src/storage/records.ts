// `storage-adapter.ts` explains the terms of these comments.

/** A value, or a promise of a value. */
export type Awaitable<T> = T | Promise<T>

/** A token and its user. */
export interface TokenWithUser { token: TokenRecord, user: UserRecord }

/** A token, and the three members of its user that lists of tokens show. */
export interface ListedToken { token: TokenRecord, user: Pick<UserRecord, 'id' | 'email' | 'name'> }

/** Selects users. A filter without members selects all users. */
export interface UserFilter {
  /**
   * Selects only users whose `normalizeForSearch(email)` or `normalizeForSearch(name)` contains this text. The caller
   * has normalised this text, too. It has no wildcards: `%` and `_` match only themselves.
   */
  search?: string | undefined
  /** Selects only users whose `disabled` has this value. */
  disabled?: boolean | undefined
}

/** A page of the list of users that a filter selects. */
export interface UserPage extends UserFilter {
  /** `'asc'`: order of creation. `'desc'`: the reverse. */
  order: 'asc' | 'desc'
  /**
   * The page starts after the user with this key, in the given order, even if this user has been deleted. If the
   * storage cannot have made this key, it may return any page.
   */
  after?: string | undefined
  /** Number of users to skip before the first one of the page, at least 0. */
  skip: number
  /** Maximum number of users, at least 1. */
  limit: number
}

/** Selects tokens. A filter without members selects all tokens. A token must match each given member. */
export interface TokenFilter {
  /** Selects only tokens of the user with this key. */
  userId?: string | undefined
  /** Selects only tokens whose `normalizeForSearch(name)` contains this text. See `search` of UserFilter. */
  search?: string | undefined
  /** Selects only tokens whose `start` begins with this text, byte by byte. */
  start?: string | undefined
  /**
   * Selects only tokens that have this state at the time `at`. Each token has exactly one state: `'expired'` if its
   * `expires_at` is `at` or earlier. Otherwise `'disabled'` if its `disabled` is `true`, and `'active'` in all other
   * cases.
   */
  state?: { is: 'active' | 'disabled' | 'expired', at: string } | undefined
  /**
   * Selects only tokens whose `last_used_at` is before this time. For a token that has never been used, `created_at`
   * counts.
   */
  unusedSince?: string | undefined
  /** Selects only tokens whose `expires_at` is before this time. A token that never expires does not match. */
  expiresBefore?: string | undefined
}

/** A page of the list of tokens that a filter selects. */
export interface TokenPage extends TokenFilter {
  /** `'asc'`: order of creation. `'desc'`: the reverse. */
  order: 'asc' | 'desc'
  /** The page starts after the token with this key. The rules of `after` in UserPage apply. */
  after?: string | undefined
  /** Maximum number of tokens, at least 1. */
  limit: number
}

/** The tokens that one call of `pruneTokens` looks at. */
export interface PruneBatch {
  /** The call deletes tokens whose `expires_at` is before this time. */
  expiredBefore: string
  /** Key of the token after which the batch starts, even if this token has been deleted. Absent for the first batch. */
  after?: string | undefined
  /** Maximum number of tokens, at least 1. */
  limit: number
}

/** The entries that one call of `pruneAudit` looks at. */
export interface AuditPruneBatch {
  /** The call deletes entries whose `at` is before this time. */
  before: string
  /**
   * The time of the caller's clock. An entry whose `at` is later stays, because a clock that was ahead has set its
   * `at`.
   */
  now: string
  /** Key of the entry after which the batch starts, even if this entry has been deleted. Absent for the first batch. */
  after?: string | undefined
  /** Maximum number of entries, at least 1. */
  limit: number
}

/** A user to create. */
export interface NewUserRecord {
  /** Unique address in NFC and lower case, at most 254 characters, without white space. */
  email: string
  /** At most 255 characters. */
  name: string | null
  /** 0 to 2147483647. */
  max_concurrent_bots: number
  /** A JSON object of the app, at most 1 MiB as JSON, or `null`. */
  data: Record<string, unknown> | null
  created_at: string
}

/** A stored user. */
export interface UserRecord extends NewUserRecord {
  id: string
  /** Whether the tokens of the user are rejected. A new user has `false`. */
  disabled: boolean
  /** Each `updateUser` changes the revision. No other method changes it. */
  revision: number
}

/** Members of a user to update. A member that is missing or `undefined` stays as it is. */
export type UserChanges = {
  [Name in 'email' | 'name' | 'max_concurrent_bots' | 'disabled' | 'data']?: UserRecord[Name] | undefined
}

/** A token to create. */
export interface NewTokenRecord {
  /** Key of the token's user. */
  user_id: string
  /** SHA-256 of the value: 32 bytes, unique. */
  hash: Buffer
  /** At most 255 characters. */
  name: string | null
  /** Names of the token's scopes, or `null` for all scopes. */
  scopes: string[] | null
  /** Time of expiry, or `null` if the token never expires. */
  expires_at: string | null
  /**
   * Lifetime in seconds, or `null` for no limit. A rotation gives the successor this lifetime. A rotation that sets
   * `expires_at` of this token does not change its `expires_in`.
   */
  expires_in: number | null
  /** Whether the token is rejected. The successor of a disabled token is also disabled. */
  disabled: boolean
  /** A JSON object of the app, at most 1 MiB as JSON, or `null`. */
  data: Record<string, unknown> | null
  /** The first characters of the value, at most 64 characters of ASCII, or `null` if the app does not keep them. */
  start: string | null
  created_at: string
}

/** A stored token, without its hash. */
export interface TokenRecord extends Omit<NewTokenRecord, 'hash'> {
  id: string
  /** Time of the token's last use, to the minute, or `null` if the token has not been used. */
  last_used_at: string | null
}

/** Members of a token to update. A member that is missing or `undefined` stays as it is. */
export type TokenChanges = {
  [Name in 'name' | 'scopes' | 'expires_at' | 'expires_in' | 'disabled' | 'data']?: TokenRecord[Name] | undefined
}

/** The result of `replace` in `rotateToken`, unless it is `'rejected'`. */
export interface TokenReplacement {
  /** The new expiry of the old token, or `null` to delete the old token. */
  expires_at: string | null
  /** The token to create. */
  successor: NewTokenRecord
}

/** A user to import. */
export interface UserToImport extends NewUserRecord {
  /** The key that the user must get. If absent, the storage makes the key. */
  id?: string | undefined
  disabled: boolean
}

/** A token to import. */
export interface TokenToImport extends NewTokenRecord {
  /** The key that the token must get. If absent, the storage makes the key. */
  id?: string | undefined
  last_used_at: string | null
}

/** Records to import in one step. No two of them have the same `email`, `hash` or `id`. */
export interface ImportBatch<R extends UserToImport | TokenToImport> {
  records: readonly R[]
  /** Whether the import changes nothing, and only tells which records it would create. */
  dryRun: boolean
}

/**
 * The stored user with the address of an imported user. `created` tells whether the import has created the stored user.
 */
export interface ImportedUser { user: UserRecord, created: boolean }

/**
 * The stored token with the hash of an imported token. `created` tells whether the import has created the stored token.
 */
export interface ImportedToken { token: TokenRecord, created: boolean }

/** Selects tokens to export. */
export interface HashedTokenPage {
  /** Keys of the users, in order of creation. */
  userIds: readonly string[]
  /**
   * Leaves out the tokens of the first user in `userIds` up to and including the token with this key. The token itself
   * may have been revoked.
   */
  after?: string | undefined
  /** Maximum number of tokens, at least 1. */
  limit: number
}

/** A token with the hash of its value. */
export interface HashedToken { token: TokenRecord, hash: Buffer }

/** The names of the changes that the audit trail records. */
export type AuditAction =
  'user.created' | 'user.updated' | 'user.deleted' |
  'token.created' | 'token.updated' | 'token.rotated' | 'token.revoked'

/** An entry to write with a change. The storage adds the keys of the user and the tokens that the change concerns. */
export interface NewAuditRecord {
  /** Time of the change. */
  at: string
  action: AuditAction
  /** Name of the admin who made the change, at most 255 characters, or `null` if it is not known. */
  actor: string | null
  /** Fastify's `id` of the request, at most 255 characters, or `null` if the app's own code made the change. */
  request_id: string | null
  /** Names of the updated members, or `null` if the change is not an update. */
  changed: string[] | null
}

/** A stored entry of the audit trail. The entry stays when its user or token is deleted. */
export interface AuditRecord extends NewAuditRecord {
  id: string
  /** Key of the user that was changed, or of the user whose token was changed. */
  user_id: string
  /** Key of the token that was changed. `null` if a user was changed, or if all tokens of a user were revoked. */
  token_id: string | null
  /** Key of the token that a rotation created. `null` for every other change. */
  successor_id: string | null
}

/** Selects entries. A filter without members selects all entries. An entry must match each given member. */
export interface AuditFilter {
  /** Selects only entries with this `user_id`. */
  userId?: string | undefined
  /** Selects only entries with this `token_id`. The `successor_id` of an entry does not count. */
  tokenId?: string | undefined
  action?: AuditAction | undefined
  actor?: string | undefined
  /** Selects only entries whose `at` is this time or later. */
  since?: string | undefined
  /** Selects only entries whose `at` is before this time. */
  until?: string | undefined
}

/** A page of the list of entries that a filter selects. */
export interface AuditPage extends AuditFilter {
  /** `'asc'`: the order of the changes. `'desc'`: the reverse. */
  order: 'asc' | 'desc'
  /** The page starts after the entry with this key, in the given order, even if this entry has been deleted. */
  after?: string | undefined
  /** Maximum number of entries, at least 1. */
  limit: number
}
