import { check, checkOptionNames } from './check-options.js'
import type { Authorize } from './hooks/require-admin.js'
import { storageMethodNames, type StorageAdapter } from './storage/storage-adapter.js'
import { sqliteStorage } from './storage/sql/sqlite-storage.js'

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

type Resolved<T> = { [Name in keyof T]-?: Exclude<T[Name], undefined> }

export type ResolvedOptions = Resolved<Omit<VexaAdminOptions, 'adminKeys' | 'authorize' | 'tokenPrefix'>> & { tokenPrefix: readonly string[] } & (
  | { adminKeys: readonly string[], authorize?: undefined }
  | { adminKeys?: undefined, authorize: Authorize }
)

const defaults = {
  trustedOrigins: [] as readonly string[],
  prefix: '/admin',
  storageTimeout: 10_000,
  tokenCacheTtl: 0,
  tokenPrefix: 'vex_',
  scopes: [] as readonly string[],
  defaultMaxConcurrentBots: 3,
  duplicateEmail: 'reject',
  hide: false
} as const

/**
 * The options, checked and with defaults filled in. What was passed in is not changed.
 *
 * @throws {InvalidOptionError} naming the option and what it must be
 */
export function resolveOptions (options: VexaAdminOptions): ResolvedOptions {
  checkOptionNames(options, ['adminKeys', 'authorize', 'storage', ...Object.keys(defaults)])
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as VexaAdminOptions
  const { adminKeys, authorize, ...rest } = { ...defaults, ...given }

  check(typeof rest.prefix === 'string' && /^(\/[\w.~-]+)*$/.test(rest.prefix),
    '`prefix` must be empty, or a path like /admin of letters, digits and - . _ ~, without a slash at its end')
  const tokenPrefix = Array.isArray(rest.tokenPrefix) ? [...rest.tokenPrefix] : [rest.tokenPrefix]
  check(tokenPrefix.length > 0 && tokenPrefix.every((prefix) => typeof prefix === 'string' && /^[\w-]{1,32}$/.test(prefix)) &&
    new Set(tokenPrefix).size === tokenPrefix.length,
  '`tokenPrefix` must have 1 to 32 letters, digits, hyphens and underscores, or be an array of such, at least one and all different')
  check(Array.isArray(rest.trustedOrigins) && rest.trustedOrigins.every(isOrigin),
    '`trustedOrigins` must be an array of origins as browsers write them, like https://admin.example or http://localhost:5173, without a path, a wildcard and a default port')
  check(Array.isArray(rest.scopes) && rest.scopes.every((scope) => typeof scope === 'string' && /^[!#-[\]-~]{1,64}$/.test(scope)) &&
    new Set(rest.scopes).size === rest.scopes.length,
  '`scopes` must be different names, each of 1 to 64 printable ASCII characters without space, quote and backslash')
  check(Number.isInteger(rest.defaultMaxConcurrentBots) && rest.defaultMaxConcurrentBots >= 0 && rest.defaultMaxConcurrentBots <= 2147483647,
    '`defaultMaxConcurrentBots` must be an integer from 0 to 2147483647')
  check(['reject', 'return'].includes(rest.duplicateEmail), "`duplicateEmail` must be 'reject' or 'return'")
  check(typeof rest.hide === 'boolean', '`hide` must be true or false')
  check(Number.isInteger(rest.storageTimeout) && rest.storageTimeout >= 1 && rest.storageTimeout <= 2147483647,
    '`storageTimeout` must be a whole number of milliseconds, from 1 to 2147483647')
  check(Number.isInteger(rest.tokenCacheTtl) && rest.tokenCacheTtl >= 0 && rest.tokenCacheTtl <= 60_000,
    '`tokenCacheTtl` must be a whole number of milliseconds, from 0 to 60000')

  const storage = rest.storage === undefined ? sqliteStorage() : rest.storage
  const missing = storageMethodNames.find((method) => typeof (storage as Partial<StorageAdapter> | null)?.[method] !== 'function')
  check(missing === undefined, `\`storage\` must be a StorageAdapter, but has no method \`${missing}\``)

  const common = { ...rest, tokenPrefix, trustedOrigins: [...rest.trustedOrigins], scopes: [...rest.scopes], storage }
  if (authorize !== undefined) {
    check(adminKeys === undefined, 'give either `adminKeys` or `authorize`')
    check(typeof authorize === 'function', '`authorize` must be a function')
    return { ...common, authorize }
  }
  check(common.trustedOrigins.length === 0, '`trustedOrigins` is for `authorize`: no page of another origin can send an admin key that it does not know')
  return { ...common, adminKeys: checkKeys(adminKeys) }
}

function isOrigin (value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^*]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value
}

function checkKeys (adminKeys: VexaAdminOptions['adminKeys']): readonly string[] {
  check(adminKeys !== undefined, '`adminKeys` is undefined, and there is no `authorize`: is the environment variable set? Make a key with: openssl rand -hex 32')
  const keys = Array.isArray(adminKeys) ? [...adminKeys] : [adminKeys]
  check(keys.length > 0 && keys.every((key) => typeof key === 'string' && /^[!-+\--~]{16,}$/.test(key)),
    'each of `adminKeys` must have at least 16 printable ASCII characters, without space and comma. Make one with: openssl rand -hex 32')
  return keys
}
