import type { Authorize } from './hooks/require-admin.js'
import type { Permission } from './schemas/permissions.js'
import type { StorageAdapter } from './storage/storage-adapter.js'

/** An admin key with a name. The app gives the key itself or its SHA-256. */
export type AdminKey = {
  /**
   * Name of the key in events and in the audit trail: 1 to 255 printable characters, without white space at either end.
   * No other key may have the same name.
   */
  name: string
  /**
   * The permissions of the key. `read` allows each `GET` and `HEAD`, except on `/audit`. `users` allows changes of
   * users, and `tokens` changes of tokens. `verify` allows the verification of tokens. `audit` allows `GET` and `HEAD`
   * on `/audit`. If absent, the key has all permissions.
   */
  permissions?: readonly Permission[]
} & ({
  /** The key: at least 16 printable ASCII characters, with no space or comma. */
  key: string | undefined
  sha256?: undefined
} | {
  /** The SHA-256 of the key, as 64 hexadecimal digits. The key itself must have the form that `key` describes. */
  sha256: string | undefined
  key?: undefined
})

/** Options of the plugin. Exactly one of `adminKeys` and `authorize` is required. Each other option has a default. */
export interface VexaAdminOptions {
  /**
   * The admin keys. A request to the admin API sends one of these keys in `X-Admin-API-Key`. Several keys can be valid
   * at once, so that you can replace a key. Each key has at least 16 printable ASCII characters, without space and
   * comma. A key that is given as a text has no name and all permissions.
   */
  adminKeys?: string | ReadonlyArray<string | AdminKey> | undefined
  /**
   * A function that decides whether a request is from an admin, in place of `adminKeys`. It returns `true` or
   * `{ actor, permissions? }` to accept the request. `actor` names the admin in events and in the audit trail: 1 to 255
   * printable characters. Without `permissions`, the admin has all permissions. With an empty array, the admin has no
   * permission, and gets 403. If the function returns any other object, the reply is 500, because this is a mistake of
   * the app. For any other value, the reply is 401.
   */
  authorize?: Authorize | undefined
  /**
   * With `authorize`: origins whose pages may request changes. The origin of the app itself is always accepted. Write
   * each origin as a browser sends it in `Origin`, such as `https://admin.example`. A request for a change from a page
   * of a different origin gets 403, because a browser may add an admin's cookie to it.
   * @default []
   */
  trustedOrigins?: readonly string[] | undefined
  /**
   * Path under which the routes are mounted: empty, or a path like `/admin`.
   * @default '/admin'
   */
  prefix?: string | undefined
  /**
   * Storage of the users and tokens. The plugin opens the storage at boot, and closes it when the app closes.
   * @default sqliteStorage()
   */
  storage?: StorageAdapter | undefined
  /**
   * Milliseconds that one call of the storage may take, from 1 to 2147483647. If a call takes longer, the reply is 503,
   * and the later answer of the storage is ignored.
   * @default 10000
   */
  storageTimeout?: number | undefined
  /**
   * Whether the app keeps tokens that it has found in memory. The cache keeps at most 10,000 tokens. It keeps at most
   * 64 MiB of the `data` of these tokens and their users. Changes by this app take effect at once.
   *
   * - `'exact'`: changes by other processes and by SQL also take effect at once, because each check asks the storage
   *   whether its data has changed. `'exact'` needs a VersionedStorageAdapter, such as `sqliteStorage`.
   * - `{ ttl }`: a token stays in the cache for `ttl` milliseconds, from 1 to 60000. During this time, the app may
   *   accept the token although another process has revoked it.
   * - `false`: each check looks the token up.
   *
   * With a cache, `last_used_at` in the result of a check may be one minute out of date.
   * @default 'exact' for a storage of `sqliteStorage`, otherwise false
   */
  tokenCache?: 'exact' | { ttl: number } | false | undefined
  /**
   * First characters of each token value: 1 to 32 letters, digits, hyphens and underscores. With several prefixes, new
   * tokens get the first prefix, and the app accepts tokens with each prefix. A request may choose another prefix for a
   * new token. To replace a prefix, put the new prefix first, and keep the old prefix as long as tokens with it exist.
   * @default 'vex_'
   */
  tokenPrefix?: string | readonly string[] | undefined
  /**
   * Forms of values that this package did not create but that may be tokens, such as imported tokens of another system.
   * Each form must match the whole value. The flags `d`, `g`, `m` and `y` of a form have no effect. A value has 1 to
   * 255 printable ASCII characters without spaces. A value that matches a form costs a query, even if no token has this
   * value. So a form should match little more than the imported tokens: `/sk_live_[0-9a-f]{40}/`, and not `/.+/`.
   *
   * The app runs the forms on values that anybody may send. A form that takes exponential time, such as `/(\w+)+-x/`,
   * lets one request stop the app. The app is responsible for its forms.
   * @default []
   */
  legacyTokens?: readonly RegExp[] | undefined
  /**
   * Names of the scopes that a token may be limited to. Each name has 1 to 64 printable ASCII characters, without
   * space, `"` and backslash (RFC 6749, section 3.3). If empty, new tokens cannot have scopes.
   * @default []
   */
  scopes?: readonly string[] | undefined
  /**
   * Whether the storage keeps the first characters of each new token value: the prefix and 4 more. If so, `start` of a
   * token shows these characters, so that operators recognise the token, and `GET /tokens?start=` finds it. The other
   * characters still have 154 random bits.
   * @default false
   */
  tokenStart?: boolean | undefined
  /**
   * Longest lifetime of a new token, in seconds, from 1 to 2147483647. A token that is created without `expires_in`
   * gets this lifetime, and a longer `expires_in` is not valid. A rotation limits the lifetime of the successor, and
   * the grace period of the old token. A token that is stored already keeps its lifetime until it is rotated, or until
   * an update sets `expires_in`.
   * @default Infinity
   */
  maxTokenLifetime?: number | undefined
  /**
   * The `max_concurrent_bots` of a user who is created without `max_concurrent_bots`: an integer from 0 to 2147483647.
   * @default 3
   */
  defaultMaxConcurrentBots?: number | undefined
  /**
   * Maximum size of the `data` of a user or token in bytes, as JSON in UTF-8: an integer from 2 to 1048576 (1 MiB).
   * Each check of a token reads the `data` of the token and of its user, so large `data` makes each check slower. A
   * reply with a list is in memory with all of its `data`: up to 1000 times this size. If you reduce the limit, `data`
   * that is stored already stays as it is.
   * @default 16384
   */
  maxDataSize?: number | undefined
  /**
   * Whether the app serves the web console for operators at `{prefix}/console/`. The files of the console need no admin
   * key. The page asks for the key and sends it to the API. With `authorize`, the page asks for no key, because the
   * browser itself sends the cookie, or whatever else `authorize` reads.
   * @default false
   */
  console?: boolean | undefined
  /**
   * Whether the routes are left out of OpenAPI documents (`schema.hide` of @fastify/swagger).
   * @default false
   */
  hide?: boolean | undefined
  /**
   * The reply when the e-mail address of a new user is taken. `'reject'`: 409. `'return'`: 200 and the stored user,
   * unchanged.
   * @default 'reject'
   */
  duplicateEmail?: 'reject' | 'return' | undefined
  /**
   * Whether each change of a user or token leaves an entry in the audit trail. The storage writes the entry and the
   * change together: both are kept or neither is. `GET /audit` and `app.vexaAdmin.audit` list the entries. With
   * `{ retention: days }`, the app deletes entries that are older than this number of days: a whole number from 1 to
   * 36500. Keep the clocks of all processes synchronised: each entry has the time of the process that made the change.
   * On SQLite, a process whose clock is ahead deletes entries too early. The storage must be an AuditedStorageAdapter,
   * such as KyselyStorage.
   * @default false
   */
  audit?: boolean | { retention: number } | undefined
}

/** Options of `openVexaAdmin`: the options of the plugin that do not concern routes. Each option has a default. */
export type OpenVexaAdminOptions =
  Omit<VexaAdminOptions, 'adminKeys' | 'authorize' | 'trustedOrigins' | 'prefix' | 'console' | 'hide'>
