import type { Authorize } from './hooks/require-admin.js'
import type { Permission } from './schemas/permissions.js'
import type { StorageAdapter } from './storage/storage-adapter.js'

/** An admin key with a name. The app gives the key itself or its SHA-256. */
export type AdminKey = {
  /**
   * Name of the key in the events: 1 to 255 printable characters, without white space at either end. No other key may
   * have the same name.
   */
  name: string
  /**
   * The requests that the key may send: `read` (each `GET` and `HEAD`), `users` (changes of users), `tokens` (changes
   * of tokens), `verify` (verification of tokens), `audit` (the audit trail). If absent, the key has all permissions.
   */
  permissions?: readonly Permission[]
} & ({
  /** The key: at least 16 printable ASCII characters, with no space or comma. */
  key: string | undefined
  sha256?: undefined
} | {
  /** The SHA-256 of such a key, as 64 hexadecimal digits. */
  sha256: string | undefined
  key?: undefined
})

/** Options of the plugin. Exactly one of `adminKeys` and `authorize` is required. Each other option has a default. */
export interface VexaAdminOptions {
  /**
   * The admin keys. A request to the admin API sends one of them in `X-Admin-API-Key`. Several keys can be valid at
   * once, so that you can replace a key. Each has at least 16 printable ASCII characters, with no space or comma.
   * A key that is given as a text has no name and all permissions.
   */
  adminKeys?: string | ReadonlyArray<string | AdminKey> | undefined
  /**
   * Decides for each request whether it is from an admin, in place of `adminKeys`. Returns `true` or
   * `{ actor, permissions? }` to accept the request. `actor` names the admin in the events: 1 to 255 printable
   * characters. Without `permissions`, the admin has all of them. Any other object is a mistake of the app, and the
   * reply is 500. For any other value, the reply is 401.
   */
  authorize?: Authorize | undefined
  /**
   * With `authorize`: other origins whose pages may request changes. The origin of the app itself is always accepted.
   * Write each as a browser sends it in `Origin`, such as `https://admin.example`. A change that a page of any other
   * origin requests gets the reply 403, because browsers add an admin's cookie to such requests.
   * @default []
   */
  trustedOrigins?: readonly string[] | undefined
  /**
   * Path under which the routes are mounted: empty, or a path like `/admin`.
   * @default '/admin'
   */
  prefix?: string | undefined
  /**
   * Storage of the users and tokens. The plugin opens it at boot, and closes it when the app closes.
   * @default sqliteStorage()
   */
  storage?: StorageAdapter | undefined
  /**
   * Milliseconds that one call of the storage may take before the reply is 503, from 1 to 2147483647. A later answer
   * of the storage is ignored.
   * @default 10000
   */
  storageTimeout?: number | undefined
  /**
   * Milliseconds for which the app caches a token that it has found, from 0 (no cache) to 60000. During that time, the
   * app may accept a token that another process has revoked. Changes by this app take effect at once.
   * @default 0
   */
  tokenCacheTtl?: number | undefined
  /**
   * First characters of each token value: 1 to 32 letters, digits, hyphens and underscores. With several prefixes, new
   * tokens get the first, and tokens with any of them are accepted. To replace a prefix, put the new one first, and
   * keep the old one as long as tokens with the old one exist.
   * @default 'vex_'
   */
  tokenPrefix?: string | readonly string[] | undefined
  /**
   * Names of the scopes that a token may be limited to. Each has 1 to 64 printable ASCII characters, without space,
   * `"` and backslash (RFC 6749, section 3.3). If empty, new tokens cannot have scopes.
   * @default []
   */
  scopes?: readonly string[] | undefined
  /**
   * Longest lifetime of a new token, in seconds, from 1 to 2147483647. A token that is created without `expires_in`
   * gets this lifetime, and a longer `expires_in` is not valid. A rotation limits the lifetime of the successor. Tokens
   * that were created before keep theirs until they are rotated.
   * @default Infinity
   */
  maxTokenLifetime?: number | undefined
  /**
   * `max_concurrent_bots` of a user who is created without it: an integer from 0 to 2147483647.
   * @default 3
   */
  defaultMaxConcurrentBots?: number | undefined
  /**
   * Maximum size of the `data` of a user in bytes, as JSON in UTF-8: an integer from 2 to 1048576 (1 MiB). Each check
   * of a token reads the `data` of its user, so large `data` makes each check slower. A smaller limit than before
   * leaves stored `data` as it is.
   * @default 16384
   */
  maxDataSize?: number | undefined
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
}

/** Options of `openVexaAdmin`: those of the plugin that do not concern routes. Each has a default. */
export type OpenVexaAdminOptions =
  Omit<VexaAdminOptions, 'adminKeys' | 'authorize' | 'trustedOrigins' | 'prefix' | 'hide'>
