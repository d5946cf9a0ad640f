import type {
  AuditPage, AuditPruneBatch, AuditRecord, Awaitable, HashedToken, HashedTokenPage, ImportBatch, ImportedToken,
  ImportedUser, ListedToken, NewAuditRecord, NewTokenRecord, NewUserRecord, PruneBatch, TokenChanges, TokenFilter,
  TokenPage, TokenRecord, TokenReplacement, TokenToImport, TokenWithUser, UserChanges, UserFilter, UserPage,
  UserRecord, UserToImport
} from './records.js'

export type * from './records.js'

/**
 * The port: a storage of users and API tokens. An instance belongs to one registration of the plugin. The plugin opens
 * the storage once, closes it once, and does not use it afterwards.
 *
 * Terms:
 *
 * - record: a user or token as the storage keeps it. Times are RFC 3339 in UTC with milliseconds, such as
 *   `2024-01-01T12:00:00.000Z`, so they can be compared as text.
 * - key: the `id` of a record, 1 to 64 characters of `[0-9A-Za-z_-]`. The storage makes each key and never reuses it.
 *   Callers do not interpret keys. A caller may pass a key that the storage cannot have made, for example a malformed
 *   key. The record with such a key counts as absent.
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
 * - A method returns an outcome as a value. A method throws, or its promise rejects, only if the storage cannot answer.
 *   The request then gets a 503, and the client may repeat it.
 * - A method throws if its write has failed or may have failed. If the method returned an outcome instead, a token that
 *   is still valid could be reported as revoked.
 * - A method that returns `'taken'`, `'absent'`, `'referenced'`, `'rejected'` or `false` has changed nothing.
 * - When the promise of a write resolves, the write is durable, and each process that shares the data sees it.
 * - Methods that change something take `entry` as their last argument. A storage with an audit trail writes the entry
 *   if and only if it makes the change. Both are kept or neither is, even if the process is killed meanwhile. A storage
 *   that is no AuditedStorageAdapter never gets an `entry`.
 * - Text arrives as well-formed Unicode without NUL. The storage returns text unchanged, and compares it byte by byte.
 */
export interface StorageAdapter {
  /**
   * Prepares the storage, and creates tables or similar structures if they are missing. Called once, before any other
   * method. Several processes may call `open` at the same time. Throws if the storage cannot be used. The app then does
   * not start.
   */
  open (): Promise<void>

  /**
   * Releases the resources of `open`. Called when the app closes, even if `open` failed or was not called. A second
   * call also resolves. A read after `close` may throw, but must not return `undefined` for an existing record.
   * Otherwise a request with a valid token would get a 401. A write after `close` must either throw or be made.
   */
  close (): Promise<void>

  /**
   * Creates a user and returns it. Returns `'taken'` if another user has this `email`.
   * Exactly one of several concurrent calls with the same `email` succeeds.
   */
  createUser (user: NewUserRecord, entry?: NewAuditRecord): Promise<UserRecord | 'taken'>

  /** Returns the user with this key, or `undefined` if the user is absent. */
  findUser (id: string): Promise<UserRecord | undefined>

  /** Returns the user with exactly this `email`, or `undefined` if the user is absent. */
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
   * `revision` is stale and the `email` is taken, the method may return either of the two outcomes. Returns
   * `'referenced'` if a reference to the user forbids the update.
   */
  updateUser (
    id: string, changes: UserChanges, revision?: number, entry?: NewAuditRecord
  ): Promise<UserRecord | 'absent' | 'taken' | 'referenced'>

  /**
   * Deletes a user and all of its tokens and returns `true`. Returns `false` if the user is absent, or if `revision` is
   * given and stale. Returns `'referenced'` if a reference to the user or one of its tokens forbids the deletion. If
   * `revision` is stale and there is such a reference, the method may return either of the two outcomes.
   *
   * Exactly one of several concurrent calls with the same key returns `true`. Exactly one of several concurrent calls
   * of `updateUser` and `deleteUser` with the same `revision` succeeds. When the promise resolves with `true`, all
   * tokens of the user have ended, including those that concurrent calls of `createToken` and `rotateToken` create.
   */
  deleteUser (id: string, revision?: number, entry?: NewAuditRecord): Promise<boolean | 'referenced'>

  /**
   * Creates a token and returns it. Returns `'absent'` if the user of the token is absent, or is deleted at the same
   * time. Throws if another token has the same `hash`.
   */
  createToken (token: NewTokenRecord, entry?: NewAuditRecord): Promise<TokenRecord | 'absent'>

  /**
   * Returns the token with this hash and its user, both as they are now, or `undefined` if one of them is absent. Each
   * request that needs a token calls this method. A storage that can answer synchronously may return its answer without
   * a promise.
   */
  findTokenByHash (hash: Buffer): Awaitable<TokenWithUser | undefined>

  /** Returns the token with this key, or `undefined` if the token or its user is absent. */
  findToken (id: string): Promise<ListedToken | undefined>

  /** Returns a page of tokens, or an empty array if no token matches. */
  listTokens (page: TokenPage): Promise<ListedToken[]>

  /** Returns the number of tokens that the filter selects, as in `listTokens`. Without a filter, counts all tokens. */
  countTokens (filter?: TokenFilter): Promise<number>

  /**
   * Updates a token and returns it. The storage calls `change` with the current token, and then writes the members that
   * `change` returns. Between these two steps, no other call may change the token, except `touchTokens`. `change` is
   * synchronous. The storage may start over and call `change` again.
   *
   * Returns `'absent'` if the token is absent, and `'rejected'` if `change` returns `'rejected'`. If `change` throws,
   * throws the same error and changes nothing. Concurrent calls of `updateToken` and `rotateToken` for the same token
   * run one after the other. A token that is revoked at the same time is not created again.
   */
  updateToken (
    id: string, change: (current: TokenRecord) => TokenChanges | 'rejected', entry?: NewAuditRecord
  ): Promise<TokenRecord | 'absent' | 'rejected'>

  /**
   * Rotates a token and returns its successor. The storage calls `replace` with the current token. It then deletes the
   * old token or sets its `expires_at`, and creates the successor. If one of these two changes fails, the storage makes
   * neither of them. Between the call of `replace` and the changes, no other call may change the token, except
   * `touchTokens`. `replace` is synchronous. The storage may start over and call `replace` again. The successor has the
   * same user.
   *
   * `successor` is the token that the latest rotation of `old` created. It is absent if `old` was never rotated, or if
   * the token of the latest rotation has ended.
   *
   * Returns `'absent'` if the token is absent, and `'rejected'` if `replace` returns `'rejected'`. Returns
   * `'referenced'` if a reference to the token forbids the change. If `replace` throws, throws the same error and
   * changes nothing. Concurrent calls of `updateToken` and `rotateToken` for the same token run one after the other.
   */
  rotateToken (
    id: string,
    replace: (old: TokenRecord, successor?: TokenRecord) => TokenReplacement | 'rejected',
    entry?: NewAuditRecord
  ): Promise<TokenRecord | 'absent' | 'rejected' | 'referenced'>

  /**
   * Revokes a token: deletes the token and returns `true`. Returns `false` if the token is absent, and `'referenced'`
   * if a reference to the token forbids the deletion. Exactly one of several concurrent calls with the same key returns
   * `true`.
   */
  revokeToken (id: string, entry?: NewAuditRecord): Promise<boolean | 'referenced'>

  /**
   * Revokes all tokens of a user, including the successor of a token that is rotated at the same time. Changes nothing
   * if the user is absent. Returns `'referenced'` if a reference to one of the tokens forbids the deletion. The method
   * may delete the tokens in several steps. It writes the entry with each step that deletes at least one token. After
   * the call, the user has no token whose creation has an earlier entry.
   */
  revokeTokens (userId: string, entry?: NewAuditRecord): Promise<void | 'referenced'>

  /**
   * Deletes tokens whose `expires_at` is earlier than `expiredBefore`. Of these tokens, it looks at the first `limit`
   * after the key `after`, in order of creation. It keeps a token if a reference forbids the deletion. Returns the
   * number of deleted tokens, and as `last` the key of the last token that it looked at. `last` is absent if there was
   * no token to look at. The caller then stops.
   */
  pruneTokens (batch: PruneBatch): Promise<{ deleted: number, last?: string | undefined }>

  /**
   * Sets `last_used_at` of the tokens with these keys, except tokens whose `last_used_at` is later. Ignores absent
   * tokens. Never creates a token, even if a token is revoked at the same time.
   */
  touchTokens (ids: readonly string[], lastUsedAt: string): Promise<void>
}

/** A storage that keeps an audit trail. */
export interface AuditedStorageAdapter extends StorageAdapter {
  /**
   * Returns a page of the audit trail, or an empty array if no entry matches. The entries are in the order of the
   * changes. After a reader has got an entry, no entry appears before it, even if the changes are concurrent.
   */
  listAudit (page: AuditPage): Promise<AuditRecord[]>

  /**
   * Deletes the oldest entries. It looks at the first `limit` entries after the key `after`, in the order of the
   * changes. It deletes each entry whose `at` is earlier than `before`, and keeps each entry whose `at` is later than
   * `now`. It ends at the first entry whose `at` is from `before` to `now`.
   *
   * Returns the number of deleted entries, and as `last` the key of the last entry that it has deleted or kept. `last`
   * is absent if the call has ended at an entry, or if there was no entry to look at. The caller then stops. Each of
   * several concurrent calls counts only the entries that it has deleted.
   *
   * If the server of the storage has a clock, and `now` is ahead of this clock, the storage subtracts the difference
   * from `before` and `now`. So a caller whose clock is ahead deletes no entry too early.
   */
  pruneAudit (batch: AuditPruneBatch): Promise<{ deleted: number, last?: string | undefined }>
}

/**
 * A storage that can import and export.
 *
 * Without `dryRun`, an import creates each record of the batch, unless the outcomes below say otherwise. If the import
 * throws, it creates no record. Each created record has its own entry: the given entry with the keys of the record.
 * After an import, the storage must not give the key of an imported record to a new record.
 */
export interface PortableStorageAdapter extends StorageAdapter {
  /**
   * Creates users. Returns an outcome for each of them, in the same order:
   *
   * - the stored user, with `created: false`, if a user already has this `email`. The stored user stays as it is;
   * - `'rejected'` if the given `id` is the key of another user, or if the storage cannot give this key to a record;
   * - the new user, with `created: true`, or `'new'` with `dryRun`.
   */
  importUsers (
    batch: ImportBatch<UserToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedUser | 'rejected' | 'new'>>

  /**
   * Creates tokens. Returns an outcome for each of them, in the same order:
   *
   * - the stored token, with `created: false`, if a token already has this `hash`. The stored token stays as it is, and
   *   may belong to another user;
   * - `'rejected'` if the given `id` is the key of another token, or if the storage cannot give this key to a record;
   * - `'absent'` if the user is absent, or is deleted at the same time;
   * - the new token, with `created: true`, or `'new'` with `dryRun`.
   */
  importTokens (
    batch: ImportBatch<TokenToImport>, entry?: NewAuditRecord
  ): Promise<Array<ImportedToken | 'absent' | 'rejected' | 'new'>>

  /**
   * Returns tokens of users, each with its hash. The tokens are in the order of the users, and the tokens of one user
   * are in order of creation. Ignores absent users. Returns fewer than `limit` tokens only if no more tokens follow.
   */
  listHashedTokens (page: HashedTokenPage): Promise<HashedToken[]>
}

/** A storage that can tell whether the data has changed since a look-up. */
export interface VersionedStorageAdapter extends StorageAdapter {
  /**
   * Returns a number that differs from the number of an earlier call if a user or a token has been changed between the
   * two calls, by this or another process. A change counts from the moment when the promise of its write settles. The
   * number may also differ without such a change, and need not differ after `touchTokens`.
   *
   * Returns `undefined` if the storage cannot tell now. Does not throw. Each token check calls this method, so it must
   * take much less time than `findTokenByHash`.
   */
  dataVersion (): number | undefined
}

/** The part of the port that services use: all methods except `open` and `close`. */
export type Storage = Omit<StorageAdapter, 'open' | 'close'>

/** The part of the port that decorators wrap: all methods except `open`. */
export type OpenStorage = Omit<StorageAdapter, 'open'>

/** The methods that AuditedStorageAdapter adds. */
export type AuditTrail = Omit<AuditedStorageAdapter, keyof StorageAdapter>

/** The methods that PortableStorageAdapter adds. */
export type PortableMethods = Omit<PortableStorageAdapter, keyof StorageAdapter>

// The names are the keys of an object, because TypeScript checks that the object has every name. An array has no such
// check.
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

/** Returns whether the storage has the method `dataVersion`. */
export function isVersioned (storage: Partial<VersionedStorageAdapter>): storage is VersionedStorageAdapter {
  return typeof storage.dataVersion === 'function'
}
