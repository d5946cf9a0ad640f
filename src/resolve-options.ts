import { check, checkOptionNames } from './check-options.js'
import type { Authorize } from './hooks/require-admin.js'
import type { VexaAdminOptions } from './options.js'
import { storageMethodNames, type StorageAdapter } from './storage/storage-adapter.js'
import { sqliteStorage } from './storage/sql/sqlite-storage.js'

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
