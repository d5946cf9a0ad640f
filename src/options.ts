import type { Authorize } from './hooks/require-admin.js'
import type { StorageAdapter } from './storage/storage-adapter.js'

/** Options of the plugin. Either `adminKeys` or `authorize` is required; each other option has a default. */
export interface VexaAdminOptions {
  /**
   * The admin keys: a request to the admin API sends one of them in `X-Admin-API-Key`. Several keys are valid at once,
   * so that keys can be rotated. Each key has at least 16 printable ASCII characters, with no space or comma.
   */
  adminKeys?: string | readonly string[] | undefined
  /**
   * Decides for each request whether it is from an admin, in place of `adminKeys`. Returns `true` or `{ actor }` to
   * accept the request. `actor` names the admin in the events: 1 to 255 printable characters. For another object
   * the reply is 500, because that is a fault of the app. For any other value the reply is 401.
   */
  authorize?: Authorize | undefined
  /**
   * Origins, other than that of the request, whose pages may ask for changes if `authorize` decides. Each is spelt as a
   * browser sends it in `Origin`, such as `https://admin.example`. Changes from any other origin get the reply 403,
   * because browsers add an admin's cookie to them.
   * @default []
   */
  trustedOrigins?: readonly string[] | undefined
  /**
   * Path under which the routes are mounted: empty, or a path like `/admin`.
   * @default '/admin'
   */
  prefix?: string | undefined
  /**
   * Storage of the users and tokens. The plugin opens it at boot, and closes it with the app.
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
   * Milliseconds for which a token that was found is remembered, from 0 (not at all) to 60000. For that time this
   * process may accept a token that another process has revoked. Changes by this app take effect at once.
   * @default 0
   */
  tokenCacheTtl?: number | undefined
  /**
   * Beginning of the value of each token: 1 to 32 letters, digits, hyphens and underscores. New tokens get the first
   * of several prefixes, and tokens with any of them are accepted. To replace a prefix, put the new one first, and
   * keep the old one as long as there are tokens with it.
   * @default 'vex_'
   */
  tokenPrefix?: string | readonly string[] | undefined
  /**
   * Names of the scopes that a token may be limited to. Each has 1 to 64 printable ASCII characters, without space,
   * `"` and backslash (RFC 6749, section 3.3). Without names, no token has scopes.
   * @default []
   */
  scopes?: readonly string[] | undefined
  /**
   * `max_concurrent_bots` of a user who is created without it: an integer from 0 to 2147483647.
   * @default 3
   */
  defaultMaxConcurrentBots?: number | undefined
  /**
   * Whether the routes are left out of OpenAPI documents (`schema.hide` of @fastify/swagger).
   * @default false
   */
  hide?: boolean | undefined
  /**
   * The reply to creating a user whose e-mail address is taken. `'reject'`: 409. `'return'`: 200 and the stored user,
   * unchanged.
   * @default 'reject'
   */
  duplicateEmail?: 'reject' | 'return' | undefined
}
