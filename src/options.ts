import type { Authorize } from './hooks/require-admin.js'
import type { StorageAdapter } from './storage/storage-adapter.js'

export interface VexaAdminOptions {
  /**
   * Keys that `X-Admin-API-Key` may hold; several at once while they are being rotated. Each has at least 16
   * printable ASCII characters, without space and comma. Required, unless `authorize` is given.
   */
  adminKeys?: string | readonly string[] | undefined
  /**
   * Decides who is an admin, in place of `adminKeys`. `true` accepts the request, and so does `{ actor }`, which also names the admin in the events:
   * 1 to 255 printable characters. Another object is a fault of the app, and answered 500; anything else is answered 401.
   */
  authorize?: Authorize | undefined
  /**
   * Origins whose pages may ask for changes beside those of this host, where `authorize` decides, such as `https://admin.example`: each as a browser
   * writes it in `Origin`. From any other origin a change is answered 403, because browsers add the cookie of an admin to it.
   * @default []
   */
  trustedOrigins?: readonly string[] | undefined
  /**
   * Where the routes are mounted: empty, or a path like `/admin`.
   * @default '/admin'
   */
  prefix?: string | undefined
  /**
   * Where users and tokens are kept. Opened by the plugin, and closed with the app.
   * @default sqliteStorage()
   */
  storage?: StorageAdapter | undefined
  /**
   * How long the storage may take for one call, in milliseconds, before the answer is 503. What it does later does not count.
   * @default 10000
   */
  storageTimeout?: number | undefined
  /**
   * How long a token that was found is remembered, in milliseconds, up to 60000; 0 for not at all. For as long, it may go on opening routes here
   * after another process has revoked it. What this app changes itself holds at once.
   * @default 0
   */
  tokenCacheTtl?: number | undefined
  /**
   * What the value of a token begins with: 1 to 32 letters, digits, hyphens and underscores. Of several, the first is that of new tokens, and all are
   * accepted: put a new one first, and keep the old ones for as long as there are tokens with them.
   * @default 'vex_'
   */
  tokenPrefix?: string | readonly string[] | undefined
  /**
   * Names of what tokens may be limited to: each of 1 to 64 printable ASCII characters, without space, `"` and backslash (RFC 6749).
   * @default []
   */
  scopes?: readonly string[] | undefined
  /**
   * `max_concurrent_bots` of a user created without: an integer, 0 to 2147483647.
   * @default 3
   */
  defaultMaxConcurrentBots?: number | undefined
  /**
   * Leaves the routes out of OpenAPI documents (`schema.hide` of @fastify/swagger).
   * @default false
   */
  hide?: boolean | undefined
  /**
   * The answer to creating a user whose e-mail address is taken: `'reject'` is a 409, `'return'` is the stored user, unchanged, with 200.
   * @default 'reject'
   */
  duplicateEmail?: 'reject' | 'return' | undefined
}
