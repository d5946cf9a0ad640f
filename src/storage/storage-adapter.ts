/**
 * What the package asks of a storage: a handful of domain verbs over plain records.
 *
 * - Keys (`id`, `user_id`) are made by the storage and opaque to everyone else: 1 to 64 characters of
 *   `[0-9A-Za-z_-]`, never reused. A key that the storage could not have made is simply absent.
 * - Users and tokens have an order, that of creation; a user's place in it never changes.
 * - Expected outcomes are values (`'taken'`, `'absent'`, `undefined`, `false`). A method throws, or rejects,
 *   only when the storage cannot answer; the caller is then told 503 and may try again. A method whose write
 *   fails, or may have failed, throws: it never answers a value, for then a token that was not revoked counts as revoked.
 * - A storage belongs to one registration of the plugin: it is opened once, closed once, and not used again.
 * - When a promise resolves, its effect is durable and visible to every process that shares the storage.
 * - Text arrives well-formed and without NUL, and must come back unchanged and compare byte by byte.
 * - Times are RFC 3339 in UTC with milliseconds, `2024-01-01T12:00:00.000Z`, so that they compare as text.
 */
export interface StorageAdapter {
  /**
   * Makes the storage ready for use, creating what it needs. Called once, before any other method, and by
   * several processes at a time. Throws if the storage cannot be used: the app then does not start.
   */
  open (): Promise<void>

  /**
   * Releases what `open` took. Called when the app closes, even if `open` was not called or failed. Must bear a second call.
   * A method that is called later may throw, but must not take what is there for absent: somebody with a valid token would be told 401.
   * Nor may it answer a write that it has not done.
   */
  close (): Promise<void>

  /**
   * Adds a user; `'taken'` if another user has this `email`.
   * Of any number of concurrent calls with one `email`, exactly one adds a user.
   */
  createUser (user: NewUserRecord): Promise<UserRecord | 'taken'>

  /** The user with this key; `undefined` if there is none. */
  findUser (id: string): Promise<UserRecord | undefined>

  /** The user with exactly this `email`; `undefined` if there is none. */
  findUserByEmail (email: string): Promise<UserRecord | undefined>

  /** A page of users. */
  listUsers (page: UserPage): Promise<UserRecord[]>

  /** How many users match `search`, as in `listUsers`. */
  countUsers (search?: string): Promise<number>

  /**
   * Changes the given members of a user, and gives it another `revision`, which nothing else does.
   * `'taken'` if another user has the new `email`: then nothing is changed. Where that and an old revision meet, either is the answer.
   * `'absent'` if there is no user with this key or, where `revision` is given, it has another revision by now:
   * of any number of concurrent calls with one `revision`, exactly one changes the user.
   * `'referenced'` if something outside of the storage refers to a member, and forbids its change: then nothing is changed.
   */
  updateUser (id: string, changes: UserChanges, revision?: number): Promise<UserRecord | 'absent' | 'taken' | 'referenced'>

  /**
   * Deletes a user and all of its tokens. `true` for exactly one of any number of concurrent calls; `false` if it was not there.
   * When the promise resolves, none of its tokens is found any more, not even one that was inserted at the same moment.
   * `'referenced'` if something outside of the storage refers to the user or a token of it, and forbids its deletion: then nothing is changed.
   */
  deleteUser (id: string): Promise<boolean | 'referenced'>

  /** Adds a token; `'absent'` if its user is not there, also if the user is deleted at the same moment. Throws if another token has its `hash`. */
  createToken (token: NewTokenRecord): Promise<TokenRecord | 'absent'>

  /**
   * The token with this hash and its user, as they are at this moment; `undefined` if either is not there. Called for every request
   * that a token guards; a storage that has the answer at once need not make a promise of it.
   */
  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined>

  /** A user's tokens in order of creation; none for a user who is not there. */
  listTokens (userId: string): Promise<TokenRecord[]>

  /**
   * Replaces a token: calls `replace` with the token as it is while nobody else can change it, and does what it says, all or
   * nothing. `replace` answers at once, and may be called again, if the storage has to start over; the successor has the same user.
   * (`touchTokens` is no change that matters here.) `'absent'` if the token is not there; `'rejected'` if `replace` says so, and then nothing is changed.
   * `'referenced'` as for `revokeToken`.
   */
  rotateToken (id: string, replace: (old: TokenRecord) => TokenReplacement | 'rejected'): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'>

  /**
   * Deletes a token. `true` for exactly one of any number of concurrent calls; `false` if it was not there.
   * `'referenced'` if something outside of the storage refers to the token, and forbids its deletion: then nothing is changed.
   */
  revokeToken (id: string): Promise<boolean | 'referenced'>

  /**
   * Deletes all tokens of a user, who may not be there, and with a token that is being rotated also its successor.
   * `'referenced'` as for `revokeToken`, if that holds for one of them.
   */
  revokeTokens (userId: string): Promise<void | 'referenced'>

  /** Sets `last_used_at` of those of the tokens that are still there, unless theirs is later already. Adds nothing. */
  touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void>
}

/** What is there at once, or later. */
export type Awaitable<T> = T | Promise<T>

/** A token and whose it is. */
export interface TokenWithUser { token: TokenRecord, user: UserRecord }

/** Which users to list. */
export interface UserPage {
  /** `'asc'`: in order of creation. `'desc'`: the other way round. */
  order: 'asc' | 'desc'
  /** Start after the user with this key, in the order asked for, even if it has been deleted since. After a key that the storage could not have made comes whoever it likes. */
  after?: string | undefined
  /** How many to skip from there; 0 or more. */
  skip: number
  /** How many to return at the most; 1 or more. */
  limit: number
  /** Only users of whom `normalizeForSearch(email)` or `normalizeForSearch(name)` contains this. It arrives in that form; `%`, `_` and the like mean themselves. */
  search?: string | undefined
}

/** A user to be stored. */
export interface NewUserRecord {
  /** Unique; in NFC and lower case. At most 254 characters, without white space. */
  email: string
  /** At most 255 characters. */
  name: string | null
  /** 0 to 2147483647. */
  max_concurrent_bots: number
  /** A JSON object of the host's, at most 16 KiB as JSON; `null` where there is none. */
  data: Record<string, unknown> | null
  created_at: string
}

/** A stored user. */
export interface UserRecord extends NewUserRecord {
  id: string
  /** Whether its tokens open nothing. `false` at first. */
  disabled: boolean
  /** A number that is another after each `updateUser`, and only then. */
  revision: number
}

/** What can be changed of a user; a member that is missing or `undefined` stays as it is. */
export type UserChanges = { [Name in 'email' | 'name' | 'max_concurrent_bots' | 'disabled' | 'data']?: UserRecord[Name] | undefined }

/** A token to be stored. */
export interface NewTokenRecord {
  /** Key of its user. */
  user_id: string
  /** SHA-256 of the value: 32 bytes, unique. All that is kept of it. */
  hash: Buffer
  /** At most 255 characters. */
  name: string | null
  /** Names of what it may do; `null` for everything. */
  scopes: string[] | null
  /** When it stops being valid; `null` for never. */
  expires_at: string | null
  /** For how many seconds it was minted; `null` for ever. Not touched when a rotation brings `expires_at` forward. */
  expires_in: number | null
  created_at: string
}

/** A stored token. Its hash stays in the storage. */
export interface TokenRecord extends Omit<NewTokenRecord, 'hash'> {
  id: string
  /** When it was last used, to the minute; `null` if never. */
  last_used_at: string | null
}

/** What becomes of a token that is rotated. */
export interface TokenReplacement {
  /** When the old token expires from now on; `null`: it is deleted. */
  expires_at: string | null
  /** The token to be added. */
  successor: NewTokenRecord
}

/** The port without its life cycle: what the services use. */
export type Storage = Omit<StorageAdapter, 'open' | 'close'>

/** The port once it is open: what the decorators wrap. */
export type OpenStorage = Omit<StorageAdapter, 'open'>

// An object, for only of an object does TypeScript demand that it is complete.
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

/** Every method of the port, so that an adapter can be checked and wrapped method by method. */
export const storageMethodNames = Object.keys(methods) as Array<keyof StorageAdapter>
