/**
 * The port: a storage of users and API tokens. An instance belongs to one registration of the plugin, which opens and
 * closes it once and does not use it afterwards.
 *
 * Terms:
 *
 * - record: a user or token as the storage keeps it. Times are RFC 3339 in UTC with milliseconds,
 *   `2024-01-01T12:00:00.000Z`, so they can be compared as text.
 * - key: the `id` of a record, 1 to 64 characters of `[0-9A-Za-z_-]`. The storage makes it and never reuses it.
 *   Callers do not interpret it. A key that the storage cannot have made counts as absent.
 * - order of creation: the order in which lists return records. An update does not move a user.
 * - revision: a number that changes with each `updateUser` of a user. A revision is stale if it is not the user's
 *   current one.
 * - value: the secret text of a token. The storage gets its hash only.
 * - outcome: an expected result other than a record: `'taken'`, `'absent'`, `'referenced'`, `'rejected'`, `true`,
 *   `false` or `undefined`. `'referenced'` means that data outside of the storage refers to the record and
 *   forbids the change.
 * - end: a token ends when it is revoked, when a rotation deletes it, or when its user is deleted. An expired token
 *   has not ended: callers compare `expires_at` themselves.
 *
 * These rules hold for each method:
 *
 * - A method returns an outcome as a value. It throws, or its promise rejects, only if the storage cannot answer. The
 *   request then gets a 503 and may be repeated.
 * - A method whose write has failed, or may have failed, throws. If it returned an outcome, a token that is still
 *   valid could be reported as revoked.
 * - A method that returns `'taken'`, `'absent'`, `'referenced'`, `'rejected'` or `false` has changed nothing.
 * - When the promise of a write resolves, the write is durable, and each process that shares the data sees it.
 * - Text arrives as well-formed Unicode without NUL. The storage returns it unchanged and compares it byte by byte.
 */
export interface StorageAdapter {
  /**
   * Prepares the storage, and creates tables or the like if they are missing. Called once, before any other method.
   * Several processes may call it at the same time. Throws if the storage cannot be used. The app then does not start.
   */
  open (): Promise<void>

  /**
   * Releases the resources of `open`. Called when the app closes, even if `open` failed or was not called. A second
   * call also resolves. A read after `close` may throw, but must not return `undefined` for an existing record,
   * because a request with a valid token would get a 401. A write after `close` must either throw or be done.
   */
  close (): Promise<void>

  /**
   * Creates a user and returns it. Returns `'taken'` if another user has this `email`.
   * Exactly one of several concurrent calls with the same `email` succeeds.
   */
  createUser (user: NewUserRecord): Promise<UserRecord | 'taken'>

  /** Returns the user with this key, or `undefined` if it is absent. */
  findUser (id: string): Promise<UserRecord | undefined>

  /** Returns the user with exactly this `email`, or `undefined` if it is absent. */
  findUserByEmail (email: string): Promise<UserRecord | undefined>

  /** Returns a page of users, or an empty array if no user matches. */
  listUsers (page: UserPage): Promise<UserRecord[]>

  /** Returns the number of users that the filter selects, as in `listUsers`. Without a filter, counts all users. */
  countUsers (filter?: UserFilter): Promise<number>

  /**
   * Updates the given members of a user, sets a new `revision` and returns the user.
   *
   * Returns `'absent'` if there is no user with this key, or if `revision` is given and stale. Exactly one of several
   * concurrent calls with the same `revision` succeeds. Returns `'taken'` if another user has the new `email`. If
   * `revision` is stale and the `email` is taken, either outcome is right. Returns `'referenced'` if a reference to
   * the user forbids the update.
   */
  updateUser (
    id: string, changes: UserChanges, revision?: number
  ): Promise<UserRecord | 'absent' | 'taken' | 'referenced'>

  /**
   * Deletes a user and all of its tokens and returns `true`. Returns `false` if the user is absent, or if `revision` is
   * given and stale. Returns `'referenced'` if a reference to the user or one of its tokens forbids the deletion. If
   * `revision` is stale and there is such a reference, either outcome is right.
   *
   * Exactly one of several concurrent calls with the same key returns `true`. Exactly one of several concurrent calls
   * of `updateUser` and `deleteUser` with the same `revision` succeeds. When the promise resolves with `true`, all
   * tokens of the user have ended, including those that concurrent calls of `createToken` and `rotateToken` create.
   */
  deleteUser (id: string, revision?: number): Promise<boolean | 'referenced'>

  /**
   * Creates a token and returns it. Returns `'absent'` if its user is absent, or is deleted at the same time.
   * Throws if another token has the same `hash`.
   */
  createToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'>

  /**
   * Returns the token with this hash and its user, both as they are now, or `undefined` if either is absent. Each
   * request that needs a token calls this method. A storage that can answer synchronously need not return a promise.
   */
  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined>

  /** Returns the tokens of a user in order of creation. Returns an empty array if the user is absent. */
  listTokens (userId: string): Promise<TokenRecord[]>

  /**
   * Rotates a token and returns its successor. The storage calls `replace` with the current token while no other call
   * can change it, except `touchTokens`. It then deletes the old token or sets its `expires_at`, and creates the
   * successor. If one of these two changes fails, neither is made. `replace` is synchronous, and the storage may call
   * it again if it has to start over. The successor has the same user.
   *
   * Returns `'absent'` if the token is absent, `'rejected'` if `replace` returns that, and `'referenced'` if a
   * reference to the token forbids the change. If `replace` throws, throws the same error and changes nothing.
   * Concurrent calls for the same token run one after the other.
   */
  rotateToken (
    id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected'
  ): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'>

  /**
   * Revokes a token: deletes it and returns `true`. Returns `false` if it is absent, and `'referenced'` if a
   * reference to it forbids the deletion. Exactly one of several concurrent calls with the same key returns `true`.
   */
  revokeToken (id: string): Promise<boolean | 'referenced'>

  /**
   * Revokes all tokens of a user, including the successor of a token that is rotated at the same time. Changes nothing
   * if the user is absent. Returns `'referenced'` if a reference to one of the tokens forbids the deletion.
   */
  revokeTokens (userId: string): Promise<void | 'referenced'>

  /**
   * Sets `last_used_at` of the tokens with these keys, except those whose `last_used_at` is later. Ignores absent
   * tokens, and never creates one, even if a token is revoked at the same time.
   */
  touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void>
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** A token and its user. */
export interface TokenWithUser { token: TokenRecord, user: UserRecord }

/** Selects users. Without members, it selects all of them. */
export interface UserFilter {
  /**
   * Selects only users whose `normalizeForSearch(email)` or `normalizeForSearch(name)` contains this text. The text
   * arrives normalised. It has no wildcards: `%` and `_` match themselves.
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
   * The page starts after the user with this key, in the given order, even if that user has been deleted. For a key
   * that the storage cannot have made, any page may be returned.
   */
  after?: string | undefined
  /** Number of users to skip before the first one of the page, at least 0. */
  skip: number
  /** Maximum number of users, at least 1. */
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
  /** Changes with each `updateUser`, and only then. */
  revision: number
}

/** Members of a user to update. A member that is missing or `undefined` stays as it is. */
export type UserChanges = {
  [Name in 'email' | 'name' | 'max_concurrent_bots' | 'disabled' | 'data']?: UserRecord[Name] | undefined
}

/** A token to create. */
export interface NewTokenRecord {
  /** Key of its user. */
  user_id: string
  /** SHA-256 of the value: 32 bytes, unique. */
  hash: Buffer
  /** At most 255 characters. */
  name: string | null
  /** Names of its scopes, or `null` for all. */
  scopes: string[] | null
  /** Time of expiry, or `null` for none. */
  expires_at: string | null
  /** Lifetime in seconds from `created_at`, or `null` for none. A rotation that sets `expires_at` keeps this. */
  expires_in: number | null
  created_at: string
}

/** A stored token, without its hash. */
export interface TokenRecord extends Omit<NewTokenRecord, 'hash'> {
  id: string
  /** Time of its last use, to the minute, or `null` if it has not been used. */
  last_used_at: string | null
}

/** The decision of `replace` in `rotateToken`. */
export interface TokenReplacement {
  /** The new expiry of the old token, or `null` to delete the old token. */
  expires_at: string | null
  /** The token to create. */
  successor: NewTokenRecord
}

/** The part of the port that services use: all but its life cycle. */
export type Storage = Omit<StorageAdapter, 'open' | 'close'>

/** The part of the port that decorators wrap: all but `open`. */
export type OpenStorage = Omit<StorageAdapter, 'open'>

// This is an object, because TypeScript checks that an object has every name. It does not check this for an array.
const methods: Record<keyof StorageAdapter, true> = {
  open: true,
  close: true,
  createUser: true,
  findUser: true,
  findUserByEmail: true,
  listUsers: true,
  countUsers: true,
  updateUser: true,
  deleteUser: true,
  createToken: true,
  findTokenByHash: true,
  listTokens: true,
  rotateToken: true,
  revokeToken: true,
  revokeTokens: true,
  touchTokens: true
}

/** The names of all methods of the port. */
export const storageMethodNames = Object.keys(methods) as Array<keyof StorageAdapter>
