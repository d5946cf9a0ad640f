import type {
  AuditPage, AuditPruneBatch, AuditRecord, Awaitable, HashedToken, HashedTokenPage, ImportBatch, ImportedToken,
  ImportedUser, ListedToken, NewAuditRecord, NewTokenRecord, NewUserRecord, PruneBatch, TokenChanges, TokenFilter,
  TokenPage, TokenRecord, TokenReplacement, TokenToImport, TokenWithUser, UserChanges, UserFilter, UserPage,
  UserRecord, UserToImport
} from './records.js'

export type * from './records.js'

/**
 * The port: a storage of users and API tokens. An instance belongs to one registration of the plugin, which opens and
 * closes it once and does not use it afterwards.
 *
 * Terms:
 *
 * - record: a user or token as the storage keeps it. Times are RFC 3339 in UTC with milliseconds,
 *   `2024-01-01T12:00:00.000Z`, so they can be compared as text.
 * - key: the `id` of a record, 1 to 64 characters of `[0-9A-Za-z_-]`. The storage makes each key and never reuses it.
 *   Callers do not interpret keys. If the storage cannot have made a key, for example because the key is malformed, the
 *   record with this key is absent.
 * - order of creation: the order in which lists return records. An update does not move a user.
 * - revision: a number that changes with each `updateUser` of a user. A revision is stale if it is not the user's
 *   current revision.
 * - value: the secret text of a token. The storage gets only the hash of the value.
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
 * - A method whose write has failed, or may have failed, throws. If such a method returned an outcome, a token that is
 *   still valid could be reported as revoked.
 * - A method that returns `'taken'`, `'absent'`, `'referenced'`, `'rejected'` or `false` has changed nothing.
 * - When the promise of a write resolves, the write is durable, and each process that shares the data sees it.
 * - Methods that change something take `entry` as their last argument. A storage with an audit trail writes the entry
 *   if and only if it makes the change, so that both are kept or neither is, even if the process is killed meanwhile.
 *   A storage that is no AuditedStorageAdapter never gets an `entry`.
 * - Text arrives as well-formed Unicode without NUL. The storage returns it unchanged and compares it byte by byte.
 */
export interface StorageAdapter {
  /**
   * Prepares the storage, and creates tables or the like if they are missing. Called once, before any other method.
   * Several processes may call `open` at the same time. Throws if the storage cannot be used. The app then does not
   * start.
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
  createUser (user: NewUserRecord, entry?: NewAuditRecord): Promise<UserRecord | 'taken'>

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
    id: string, changes: UserChanges, revision?: number, entry?: NewAuditRecord
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
  deleteUser (id: string, revision?: number, entry?: NewAuditRecord): Promise<boolean | 'referenced'>

  /**
   * Creates a token and returns it. Returns `'absent'` if its user is absent, or is deleted at the same time.
   * Throws if another token has the same `hash`.
   */
  createToken (token: NewTokenRecord, entry?: NewAuditRecord): Promise<TokenRecord | 'absent'>

  /**
   * Returns the token with this hash and its user, both as they are now, or `undefined` if either is absent. Each
   * request that needs a token calls this method. A storage that can answer synchronously need not return a promise.
   */
  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined>

  /** Returns the token with this key, or `undefined` if the token or its user is absent. */
  findToken (id: string): Promise<ListedToken | undefined>

  /** Returns a page of tokens, or an empty array if no token matches. */
  listTokens (page: TokenPage): Promise<ListedToken[]>

  /** Returns the number of tokens that the filter selects, as in `listTokens`. Without a filter, counts all tokens. */
  countTokens (filter?: TokenFilter): Promise<number>

  /**
   * Updates a token and returns it. The storage calls `change` with the current token while no other call can change
   * it, except `touchTokens`. It then writes the members that `change` returns. `change` is synchronous, and the
   * storage may call it again if it has to start over.
   *
   * Returns `'absent'` if the token is absent, and `'rejected'` if `change` returns that. If `change` throws, throws
   * the same error and changes nothing. Concurrent calls of `updateToken` and `rotateToken` for the same token run one
   * after the other. A token that is revoked at the same time is not created again.
   */
  updateToken (
    id: string, change: (current: TokenRecord) => TokenChanges | 'rejected', entry?: NewAuditRecord
  ): Promise<TokenRecord | 'absent' | 'rejected'>

  /**
   * Rotates a token and returns its successor. The storage calls `replace` with the current token while no other call
   * can change it, except `touchTokens`. It then deletes the old token or sets its `expires_at`, and creates the
   * successor. If one of these two changes fails, neither is made. `replace` is synchronous, and the storage may call
   * it again if it has to start over. The successor has the same user.
   *
   * `successor` is the token that the latest rotation of `old` created. It is absent if `old` was never rotated, or if
   * that token has ended.
   *
   * Returns `'absent'` if the token is absent, `'rejected'` if `replace` returns that, and `'referenced'` if a
   * reference to the token forbids the change. If `replace` throws, throws the same error and changes nothing.
   * Concurrent calls of `updateToken` and `rotateToken` for the same token run one after the other.
   */
  rotateToken (
    id: string,
    replace: (old: TokenRecord, successor?: TokenRecord) => TokenReplacement | 'rejected',
    entry?: NewAuditRecord
  ): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'>

  /**
   * Revokes a token: deletes it and returns `true`. Returns `false` if it is absent, and `'referenced'` if a
   * reference to it forbids the deletion. Exactly one of several concurrent calls with the same key returns `true`.
   */
  revokeToken (id: string, entry?: NewAuditRecord): Promise<boolean | 'referenced'>

  /**
   * Revokes all tokens of a user, including the successor of a token that is rotated at the same time. Changes nothing
   * if the user is absent. Returns `'referenced'` if a reference to one of the tokens forbids the deletion. Writes the
   * entry with each deletion of at least one token. No token whose creation has an earlier entry stays.
   */
  revokeTokens (userId: string, entry?: NewAuditRecord): Promise<void | 'referenced'>

  /**
   * Deletes tokens that expired before a time, at most `limit` of them per call. It looks at the next `limit` such
   * tokens after the token with the key `after`, in order of creation. It leaves tokens to which references forbid the
   * deletion. Returns the number of deleted tokens, and the key of the last token that it looked at. `last` is absent
   * if there was no such token: then all are done.
   */
  pruneTokens (batch: PruneBatch): Promise<{ deleted: number, last?: string | undefined }>

  /**
   * Sets `last_used_at` of the tokens with these keys, except those whose `last_used_at` is later. Ignores absent
   * tokens, and never creates one, even if a token is revoked at the same time.
   */
  touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void>
}

/** A storage that keeps an audit trail. */
export interface AuditedStorageAdapter extends StorageAdapter {
  /**
   * Returns a page of the audit trail, or an empty array if no entry matches. The entries are in the order of the
   * changes. A reader that has got an entry never misses an earlier one, even if the changes are concurrent.
   */
  listAudit (page: AuditPage): Promise<AuditRecord[]>

  /**
   * Deletes the oldest entries. It looks at the next `limit` entries after the entry with the key `after`, in the order
   * of the changes. It deletes those whose `at` is earlier than `before`, and leaves those whose `at` is later than
   * `now`. It ends at the first entry of any other time.
   *
   * Returns the number of deleted entries, and the key of the last entry that it has deleted or left. `last` is absent
   * if the call has ended at an entry, or if there was no entry: then all are done. Each of several concurrent calls
   * counts only the entries that it has deleted.
   *
   * A storage whose server has a clock moves `before` and `now` back by the time that `now` is ahead of this clock.
   * A caller whose clock is ahead then deletes no entry too early.
   */
  pruneAudit (batch: AuditPruneBatch): Promise<{ deleted: number, last?: string | undefined }>
}

/**
 * A storage that can import and export.
 *
 * Without `dryRun`, an import creates each record of the batch, except those with an outcome that forbids it. If it
 * throws, it creates none. Each created record has an entry of its own: the given entry with the keys of the record. A
 * key that the storage makes later differs from each key that it was given.
 */
export interface PortableStorageAdapter extends StorageAdapter {
  /**
   * Creates users. Returns an outcome for each of them, in the same order:
   *
   * - the stored user, with `created: false`, if a user already has this `email`. That user stays as it is;
   * - `'rejected'` if `id` is given, and is the key of another user, or the storage cannot give a record this key;
   * - the new user, with `created: true`, or `'new'` with `dryRun`.
   */
  importUsers (
    batch: ImportBatch<UserToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedUser | 'rejected' | 'new'>>

  /**
   * Creates tokens. Returns an outcome for each of them, in the same order:
   *
   * - the stored token, with `created: false`, if a token already has this `hash`. That token stays as it is. It may
   *   belong to another user;
   * - `'rejected'` if `id` is given, and is the key of another token, or the storage cannot give a record this key;
   * - `'absent'` if the user is absent, or is deleted at the same time;
   * - the new token, with `created: true`, or `'new'` with `dryRun`.
   */
  importTokens (
    batch: ImportBatch<TokenToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedToken | 'absent' | 'rejected' | 'new'>>

  /**
   * Returns tokens of users and their hashes: in the order of the users, and those of each user in order of creation.
   * Ignores absent users. Returns fewer than `limit` tokens only if no more follow.
   */
  listHashedTokens (page: HashedTokenPage): Promise<HashedToken[]>
}

/** The part of the port that services use: all methods except `open` and `close`. */
export type Storage = Omit<StorageAdapter, 'open' | 'close'>

/** The part of the port that decorators wrap: all methods except `open`. */
export type OpenStorage = Omit<StorageAdapter, 'open'>

/** The methods that AuditedStorageAdapter adds. */
export type AuditTrail = Omit<AuditedStorageAdapter, keyof StorageAdapter>

/** The methods that PortableStorageAdapter adds. */
export type PortableMethods = Omit<PortableStorageAdapter, keyof StorageAdapter>

// This is an object, because TypeScript checks that an object has every name, but does not check this for an array.
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
  findToken: true,
  listTokens: true,
  countTokens: true,
  updateToken: true,
  rotateToken: true,
  revokeToken: true,
  revokeTokens: true,
  pruneTokens: true,
  touchTokens: true
}

/** The names of all methods of StorageAdapter. */
export const storageMethodNames = Object.keys(methods) as Array<keyof StorageAdapter>

const auditMethods: Record<Exclude<keyof AuditedStorageAdapter, keyof StorageAdapter>, true> = {
  listAudit: true,
  pruneAudit: true
}

/** The names of the methods that AuditedStorageAdapter adds. */
export const auditMethodNames = Object.keys(auditMethods) as Array<keyof typeof auditMethods>

/** Returns whether the storage has both methods of the audit trail. */
export function isAudited (storage: Partial<AuditedStorageAdapter>): storage is AuditedStorageAdapter {
  return auditMethodNames.every((name) => typeof storage[name] === 'function')
}

const portableMethods: Record<keyof PortableMethods, true> = {
  importUsers: true,
  importTokens: true,
  listHashedTokens: true
}

/** The names of the methods that PortableStorageAdapter adds. */
export const portableMethodNames = Object.keys(portableMethods) as Array<keyof PortableMethods>

/** Returns whether the storage has all methods for imports and exports. */
export function isPortable (storage: Partial<PortableStorageAdapter>): storage is PortableStorageAdapter {
  return portableMethodNames.every((name) => typeof storage[name] === 'function')
}
