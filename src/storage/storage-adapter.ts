/**
 * What the package asks of a storage: a handful of domain verbs over plain records.
 *
 * - Keys (`id`, `user_id`) are made by the storage and opaque to everyone else: 1 to 255 characters of
 *   `[0-9A-Za-z_-]`, never reused, ascending in order of creation. A key that the storage could not have made is simply absent.
 * - Expected outcomes are values (`'taken'`, `'absent'`, `undefined`, `false`). A method throws, or rejects,
 *   only when the storage cannot answer; the caller is then told 503 and may try again.
 * - When a promise resolves, its effect is durable and visible to every process that shares the storage.
 * - Text arrives well-formed and without NUL, and must come back unchanged and compare byte by byte.
 */
export interface StorageAdapter {
  /**
   * Makes the storage ready for use, creating what it needs. Called once, before any other method, and by
   * several processes at a time. Throws if the storage cannot be used: the app then does not start.
   */
  open (): Promise<void>

  /** Releases what `open` took. Called when the app closes, even if `open` was not called or failed. Must bear a second call. */
  close (): Promise<void>

  /**
   * Adds a user; `'taken'` if another user has this `email`.
   * Of any number of concurrent calls with one `email`, exactly one adds a user.
   */
  insertUser (user: NewUserRecord): Promise<UserRecord | 'taken'>

  /** The user with this key; `undefined` if there is none. */
  findUser (id: string): Promise<UserRecord | undefined>

  /** The user with exactly this `email`; `undefined` if there is none. */
  findUserByEmail (email: string): Promise<UserRecord | undefined>

  /** Users in order of creation, after leaving out `skip` (≥ 0), at most `limit` (≥ 1). */
  listUsers (page: { skip: number, limit: number }): Promise<UserRecord[]>

  /** Adds a token; `'absent'` if its user is not there, also if the user is deleted at the same moment. */
  insertToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'>

  /** A user's tokens in order of creation; none for a user who is not there. */
  listTokens (userId: string): Promise<TokenRecord[]>

  /** Deletes a token. `true` for exactly one of any number of concurrent calls; `false` if it was not there. */
  deleteToken (id: string): Promise<boolean>
}

/** A user to be stored. */
export interface NewUserRecord {
  /** Unique; NFC and lower case. At most 254 characters. */
  email: string
  /** At most 255 characters. */
  name: string | null
  /** 0 to 2147483647. */
  max_concurrent_bots: number
  /** RFC 3339, UTC, milliseconds: `2024-01-01T12:00:00.000Z`. */
  created_at: string
}

/** A stored user. */
export interface UserRecord extends NewUserRecord {
  id: string
}

/** A token to be stored. */
export interface NewTokenRecord {
  /** Key of its user. */
  user_id: string
  /** SHA-256 of the value: 32 bytes, unique. All that is kept of it. */
  hash: Buffer
  /** RFC 3339, UTC, milliseconds. */
  created_at: string
}

/** A stored token. Its hash stays in the storage. */
export interface TokenRecord {
  id: string
  user_id: string
  created_at: string
}

/** Every method of the port, so that an adapter can be checked and wrapped method by method. */
export const storageMethods = [
  'open', 'close',
  'insertUser', 'findUser', 'findUserByEmail', 'listUsers',
  'insertToken', 'listTokens', 'deleteToken'
] as const satisfies Array<keyof StorageAdapter>
