/**
 * The port: a storage of users and API tokens. An instance belongs to one registration of the plugin, which opens and
 * closes it once and does not use it afterwards.
 *
 * Terms:
 *
 * - record: a user or token as the storage keeps it. Times are RFC 3339 in UTC with milliseconds,
 *   `2024-01-01T12:00:00.000Z`, so that they compare as text.
 * - key: the `id` of a record, 1 to 64 characters of `[0-9A-Za-z_-]`. The storage makes it and never reuses it.
 *   Callers do not interpret it. A key that the storage cannot have made is absent.
 * - order of creation: the order of lists. An update does not move a user.
 * - revision: a number of a user that each `updateUser` replaces by another. A revision is stale if it is no longer
 *   the user's.
 * - value: the secret text of a token. The storage gets its hash only.
 * - outcome: an expected result other than a record: `'taken'`, `'absent'`, `'referenced'`, `'rejected'`, `true`,
 *   `false` or `undefined`. `'referenced'` means that a record outside of the storage refers to the record and
 *   forbids the change.
 * - end: a token ends when it is revoked, when a rotation deletes it, or when its user is deleted. An expired token
 *   has not ended: callers compare `expires_at` themselves.
 *
 * These rules hold for each method:
 *
 * - Outcomes are values. A method throws, or its promise rejects, only if the storage cannot answer. The request then
 *   gets a 503 and may be repeated.
 * - A method whose write has failed, or may have failed, throws. An outcome would report a token as revoked that
 *   still is valid.
 * - A method that returns `'taken'`, `'absent'`, `'referenced'`, `'rejected'` or `false` has changed nothing.
 * - When the promise of a write resolves, the write is durable, and each process that shares the data sees it.
 * - Text arrives well-formed and without NUL. It comes back unchanged and compares byte by byte.
 */
export interface StorageAdapter {
  /**
   * Prepares the storage and creates what it needs. Called once, before any other method. Several processes may call
   * it at the same time. Throws if the storage cannot be used, and the app does not start.
   */
  open (): Promise<void>

  /**
   * Releases the resources of `open`. Called when the app closes, also if `open` failed or was not called. Resolves
   * when called twice. A later read may throw, but must not return `undefined` for an existing record, because a
   * request with a valid token would get a 401. A later write throws or is done.
   */
  close (): Promise<void>

  /**
   * Creates a user and returns it. Returns `'taken'` if another user has this `email`.
   * Of concurrent calls with the same `email`, exactly one succeeds.
   */
  createUser (user: NewUserRecord): Promise<UserRecord | 'taken'>

  /** Returns the user with this key, or `undefined` if it is absent. */
  findUser (id: string): Promise<UserRecord | undefined>

  /** Returns the user with exactly this `email`, or `undefined` if it is absent. */
  findUserByEmail (email: string): Promise<UserRecord | undefined>

  /** Returns a page of users, empty if no user matches. */
  listUsers (page: UserPage): Promise<UserRecord[]>

  /** Returns the number of users that match `search` as in `listUsers`. */
  countUsers (search?: string): Promise<number>

  /**
   * Updates the given members of a user, sets a new `revision` and returns the user.
   *
   * Returns `'absent'` if there is no user with this key, or if `revision` is given and stale. Of concurrent calls
   * with the same `revision`, exactly one succeeds. Returns `'taken'` if another user has the new `email`. If
   * `revision` is stale and the `email` is taken, either outcome is right. Returns `'referenced'` if a reference
   * forbids the update.
   */
  updateUser (
    id: string, changes: UserChanges, revision?: number
  ): Promise<UserRecord | 'absent' | 'taken' | 'referenced'>

  /**
   * Deletes a user and all of its tokens and returns `true`. Returns `false` if the user is absent, and
   * `'referenced'` if a reference to the user or one of its tokens forbids the deletion. Of concurrent calls with the
   * same key, exactly one returns `true`. When the promise resolves, all tokens of the user have ended, also those of
   * concurrent `createToken` and `rotateToken` calls.
   */
  deleteUser (id: string): Promise<boolean | 'referenced'>

  /**
   * Creates a token and returns it. Returns `'absent'` if its user is absent, or is deleted at the same time.
   * Throws if another token has the same `hash`.
   */
  createToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'>

  /**
   * Returns the token with this hash and its user, both as they are now, or `undefined` if either is absent. Each
   * request that needs a token calls it. A storage that can answer synchronously need not return a promise.
   */
  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined>

  /** Returns the tokens of a user in order of creation. Returns an empty array if the user is absent. */
  listTokens (userId: string): Promise<TokenRecord[]>

  /**
   * Rotates a token and returns its successor. The storage calls `replace` with the current token while no other call
   * can change it, except `touchTokens`. It then ends the old token or sets its `expires_at`, and creates the
   * successor, both or neither. `replace` is synchronous, and the storage may call it again if it has to start over.
   * The successor has the same user.
   *
   * Returns `'absent'` if the token is absent, `'rejected'` if `replace` does, and `'referenced'` if a reference to
   * the token forbids its end. Throws what `replace` throws, and then changes nothing. Concurrent calls for the same
   * token run one after the other.
   */
  rotateToken (
    id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected'
  ): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'>

  /**
   * Revokes a token: deletes it and returns `true`. Returns `false` if it is absent, and `'referenced'` if a
   * reference to it forbids the deletion. Of concurrent calls with the same key, exactly one returns `true`.
   */
  revokeToken (id: string): Promise<boolean | 'referenced'>

  /**
   * Revokes all tokens of a user, also the successor of a token that is rotated at the same time. Changes nothing if
   * the user is absent. Returns `'referenced'` if a reference to one of the tokens forbids the deletion.
   */
  revokeTokens (userId: string): Promise<void | 'referenced'>

  /**
   * Sets `last_used_at` of the tokens with these keys, except those whose `last_used_at` is later. Ignores absent
   * tokens, and creates none, also if a token is revoked at the same time.
   */
  touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void>
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** A token and its user. */
export interface TokenWithUser { token: TokenRecord, user: UserRecord }

/** A page of the list of users. */
export interface UserPage {
  /** `'asc'`: order of creation. `'desc'`: the reverse. */
  order: 'asc' | 'desc'
  /**
   * The page starts after the user with this key, in the given order, also if that user has been deleted. The page of
   * a key that the storage cannot have made may be any page.
   */
  after?: string | undefined
  /** Number of users to skip from there, at least 0. */
  skip: number
  /** Maximum number of users, at least 1. */
  limit: number
  /**
   * Only users whose `normalizeForSearch(email)` or `normalizeForSearch(name)` contains this text, which arrives
   * normalised. It has no wildcards: `%` and `_` match themselves.
   */
  search?: string | undefined
}

/** A user to create. */
export interface NewUserRecord {
  /** Unique address in NFC and lower case, at most 254 characters, without white space. */
  email: string
  /** At most 255 characters. */
  name: string | null
  /** 0 to 2147483647. */
  max_concurrent_bots: number
  /** A JSON object of the app, at most 16 KiB as JSON, or `null`. */
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
  /** Lifetime in seconds at creation, or `null` for none. A rotation that shortens `expires_at` keeps it. */
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
  /** The new expiry of the old token. The storage deletes the old token if it is `null`. */
  expires_at: string | null
  /** The token to create. */
  successor: NewTokenRecord
}

/** The part of the port that services use: all but its life cycle. */
export type Storage = Omit<StorageAdapter, 'open' | 'close'>

/** The part of the port that decorators wrap: all but `open`. */
export type OpenStorage = Omit<StorageAdapter, 'open'>

// An object, because TypeScript checks that it has every name. It would not check an array.
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
