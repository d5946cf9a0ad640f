import { InvalidOptionError } from './errors.js'
import type { Authorize } from './guards/admin.js'
import { storageMethods, type StorageAdapter } from './storage/storage-adapter.js'
import { sqliteStorage } from './storage/sqlite-storage.js'

export interface VexaAdminOptions {
  /**
   * Keys that `X-Admin-API-Key` may hold; several at once while they are being rotated. Each has at least 16
   * printable ASCII characters, without space and comma. Required, unless `authorize` is given.
   */
  adminKeys?: string | readonly string[]
  /** Decides who is an admin, in place of `adminKeys`. Whoever gets anything but `true` is answered 401. */
  authorize?: Authorize
  /**
   * Where the routes are mounted: empty, or a path that begins with `/` and does not end with one.
   * @default '/admin'
   */
  prefix?: string
  /**
   * Where users and tokens are kept. Opened by the plugin, and closed with the app.
   * @default sqliteStorage()
   */
  storage?: StorageAdapter
  /**
   * What the value of a token begins with: 1 to 32 letters, digits, hyphens and underscores.
   * @default 'vex_'
   */
  tokenPrefix?: string
  /**
   * `max_concurrent_bots` of a user created without: an integer, 0 to 2147483647.
   * @default 3
   */
  defaultMaxConcurrentBots?: number
  /**
   * The answer to creating a user whose e-mail address is taken: `'reject'` is a 409, `'return'` is the stored user, unchanged, with 200.
   * @default 'reject'
   */
  duplicateEmail?: 'reject' | 'return'
}

export type ResolvedOptions = Required<Omit<VexaAdminOptions, 'adminKeys' | 'authorize'>> & (
  | { adminKeys: readonly string[], authorize?: undefined }
  | { adminKeys?: undefined, authorize: Authorize }
)

const defaults = {
  prefix: '/admin',
  tokenPrefix: 'vex_',
  defaultMaxConcurrentBots: 3,
  duplicateEmail: 'reject'
} as const

const known = new Set(['adminKeys', 'authorize', 'storage', ...Object.keys(defaults)])

/**
 * The options, checked and with defaults filled in. What was passed in is not changed.
 *
 * @throws {InvalidOptionError} naming the option and what it must be
 */
export function resolveOptions (options: VexaAdminOptions): ResolvedOptions {
  // A misspelt option would silently be a missing one.
  const unknown = Object.keys(options).find((name) => !known.has(name))
  check(unknown === undefined, `there is no option \`${unknown}\``)

  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as VexaAdminOptions
  const { adminKeys, authorize, ...rest } = { ...defaults, ...given }

  check(typeof rest.prefix === 'string' && /^(\/[^/?#*:\s]+)*$/.test(rest.prefix),
    '`prefix` must be empty, or a path like /admin without parameters and a slash at its end')
  check(typeof rest.tokenPrefix === 'string' && /^[\w-]{1,32}$/.test(rest.tokenPrefix),
    '`tokenPrefix` must have 1 to 32 letters, digits, hyphens and underscores')
  check(Number.isInteger(rest.defaultMaxConcurrentBots) && rest.defaultMaxConcurrentBots >= 0 && rest.defaultMaxConcurrentBots <= 2147483647,
    '`defaultMaxConcurrentBots` must be an integer from 0 to 2147483647')
  check(['reject', 'return'].includes(rest.duplicateEmail), "`duplicateEmail` must be 'reject' or 'return'")

  const storage = rest.storage === undefined ? sqliteStorage() : rest.storage
  const missing = storageMethods.find((method) => typeof (storage as Partial<StorageAdapter> | null)?.[method] !== 'function')
  check(missing === undefined, `\`storage\` must be a StorageAdapter, but has no method \`${missing}\``)

  const common = { ...rest, storage }
  if (authorize !== undefined) {
    check(adminKeys === undefined, 'give either `adminKeys` or `authorize`')
    check(typeof authorize === 'function', '`authorize` must be a function')
    return { ...common, authorize }
  }
  return { ...common, adminKeys: checkKeys(adminKeys) }
}

function checkKeys (adminKeys: VexaAdminOptions['adminKeys']): readonly string[] {
  const keys = Array.isArray(adminKeys) ? [...adminKeys] : [adminKeys]
  check(keys.length > 0 && keys.every((key) => typeof key === 'string' && /^[!-+\--~]{16,}$/.test(key)),
    'each of `adminKeys` must have at least 16 printable ASCII characters, without space and comma. Make one with: openssl rand -hex 32')
  return keys
}

function check (condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvalidOptionError(message)
}
