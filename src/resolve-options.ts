import { types } from 'node:util'
import { check, checkOptionNames } from './check-options.js'
import type { Authorize, KnownAdminKey } from './hooks/require-admin.js'
import type { OpenVexaAdminOptions, VexaAdminOptions } from './options.js'
import { resolveAdminKeys } from './resolve-admin-keys.js'
import type { DataVersion } from './storage/decorators/token-cache.js'
import {
  isAudited, isVersioned, storageMethodNames, type AuditTrail, type StorageAdapter
} from './storage/storage-adapter.js'
import { isSqliteStorage, sqliteStorage } from './storage/sql/sqlite-storage.js'

type Resolved<T> = { [Name in keyof T]-?: Exclude<T[Name], undefined> }

/** The options of the services with every default filled in. */
export type ResolvedServiceOptions =
  & Resolved<Omit<OpenVexaAdminOptions, 'audit' | 'tokenCache' | 'tokenPrefix'>>
  & { audit: ResolvedAudit | undefined, tokenCache: ResolvedCache | undefined, tokenPrefix: readonly string[] }

/** The token cache of an app that has one. */
export interface ResolvedCache {
  /** Number of milliseconds for which the cache keeps a token. */
  ttl: number
  /** Calls the method of the storage. `undefined`: the cache does not notice changes by other processes. */
  dataVersion: DataVersion | undefined
}

/** The audit trail of an app whose option `audit` is on. */
export interface ResolvedAudit {
  /** The storage of the app, which has the methods of the audit trail. */
  trail: AuditTrail
  /** Number of days after which the app deletes an entry. If `undefined`, the app never deletes entries. */
  retention: number | undefined
}

/** The options of the plugin with every default filled in. Exactly one of `adminKeys` and `authorize` is set. */
export type ResolvedOptions =
  & ResolvedServiceOptions
  & Resolved<Pick<VexaAdminOptions, keyof typeof routeDefaults>>
  & ({ adminKeys: readonly KnownAdminKey[], authorize?: undefined } | { adminKeys?: undefined, authorize: Authorize })

const serviceDefaults = {
  storageTimeout: 10_000,
  tokenPrefix: 'vex_',
  tokenStart: false,
  legacyTokens: [] as readonly RegExp[],
  scopes: [] as readonly string[],
  maxTokenLifetime: Infinity,
  defaultMaxConcurrentBots: 3,
  duplicateEmail: 'reject',
  maxDataSize: 16 * 1024,
  audit: false
} as const

// An exact cache shows an old `last_used_at` for at most a minute. `last_used_at` itself is accurate to the minute.
const exactTtl = 60_000

const routeDefaults = {
  trustedOrigins: [] as readonly string[],
  prefix: '/admin',
  console: false,
  hide: false
} as const

const serviceNames = ['storage', 'tokenCache', ...namesOf(serviceDefaults)] as const
const routeNames = ['adminKeys', 'authorize', ...namesOf(routeDefaults)] as const

/**
 * Returns a copy of the options of the plugin with defaults filled in. `undefined` counts as absent.
 *
 * @throws {InvalidOptionError} if an option is wrong; the message names the option and the values that it may have
 */
export function resolveOptions (options: VexaAdminOptions): ResolvedOptions {
  checkOptionNames(options, [...serviceNames, ...routeNames])
  const { adminKeys, authorize, ...rest } = { ...routeDefaults, ...given(options, routeNames) }

  check(typeof rest.prefix === 'string' && /^(\/[\w.~-]+)*$/.test(rest.prefix),
    '`prefix` must be empty, or a path such as /admin: letters, digits and - . _ ~, with no slash at the end')
  check(Array.isArray(rest.trustedOrigins) && rest.trustedOrigins.every(isOrigin),
    '`trustedOrigins` must be an array of origins as browsers send them, such as https://admin.example or ' +
    'http://localhost:5173, without a path, a wildcard or a default port')
  check(typeof rest.console === 'boolean', '`console` must be true or false')
  check(typeof rest.hide === 'boolean', '`hide` must be true or false')

  const common = {
    ...resolveServiceOptions(given(options, serviceNames)),
    ...rest,
    trustedOrigins: [...rest.trustedOrigins]
  }
  if (authorize !== undefined) {
    check(adminKeys === undefined, 'give either `adminKeys` or `authorize`, not both')
    check(typeof authorize === 'function', '`authorize` must be a function')
    return { ...common, authorize }
  }
  check(common.trustedOrigins.length === 0,
    '`trustedOrigins` needs `authorize`: with `adminKeys` every origin is accepted, because browsers never add a key')
  return { ...common, adminKeys: resolveAdminKeys(adminKeys) }
}

/**
 * Returns a copy of the options of `openVexaAdmin` with defaults filled in. `undefined` counts as absent.
 *
 * @throws {InvalidOptionError} if an option is wrong; the message names the option and the values that it may have
 */
export function resolveServiceOptions (options: OpenVexaAdminOptions): ResolvedServiceOptions {
  checkOptionNames(options, serviceNames)
  const rest = { ...serviceDefaults, ...given(options, serviceNames) }
  const tokenPrefix = Array.isArray(rest.tokenPrefix) ? [...rest.tokenPrefix] : [rest.tokenPrefix]

  check(areDistinct(tokenPrefix, /^[\w-]{1,32}$/) && tokenPrefix.length > 0,
    '`tokenPrefix` must be 1 to 32 letters, digits, hyphens and underscores, ' +
    'or an array of one or more different prefixes of this form')
  check(Array.isArray(rest.legacyTokens) && Array.from(rest.legacyTokens).every(types.isRegExp),
    '`legacyTokens` must be an array of regular expressions, such as [/sk_live_[0-9a-f]{40}/]')
  check(typeof rest.tokenStart === 'boolean', '`tokenStart` must be true or false')
  check(Array.isArray(rest.scopes) && areDistinct(rest.scopes, /^[!#-[\]-~]{1,64}$/),
    '`scopes` must be an array of different names, each of 1 to 64 printable ASCII characters ' +
    'without space, quote and backslash')
  check(rest.maxTokenLifetime === Infinity || isIntegerFrom(1, 2147483647, rest.maxTokenLifetime),
    '`maxTokenLifetime` must be a whole number of seconds, from 1 to 2147483647, or Infinity for no limit')
  check(isIntegerFrom(0, 2147483647, rest.defaultMaxConcurrentBots),
    '`defaultMaxConcurrentBots` must be an integer from 0 to 2147483647')
  check(['reject', 'return'].includes(rest.duplicateEmail), "`duplicateEmail` must be 'reject' or 'return'")
  check(isIntegerFrom(2, 1024 * 1024, rest.maxDataSize),
    '`maxDataSize` must be a whole number of bytes, from 2 to 1048576')
  check(isIntegerFrom(1, 2147483647, rest.storageTimeout),
    '`storageTimeout` must be a whole number of milliseconds, from 1 to 2147483647')

  const storage = rest.storage === undefined ? sqliteStorage() : rest.storage
  const methods = storage as Partial<StorageAdapter> | null
  const missing = storageMethodNames.find((name) => typeof methods?.[name] !== 'function')
  check(missing === undefined, `\`storage\` must be a StorageAdapter, but has no method \`${missing}\``)

  return {
    ...rest,
    tokenPrefix,
    legacyTokens: rest.legacyTokens.map(toWholeForm),
    scopes: [...rest.scopes],
    storage,
    tokenCache: resolveCache(rest.tokenCache, storage),
    audit: resolveAudit(rest.audit, storage)
  }
}

/** Returns a regular expression of the same form that matches only whole values. */
function toWholeForm ({ source, flags }: RegExp): RegExp {
  // With `g` or `y`, the result of a test would depend on the test before. With `m`, a match of one line would be
  // enough.
  return new RegExp(`^(?:${source})$`, flags.replace(/[dgmy]/g, ''))
}

function resolveCache (
  tokenCache: OpenVexaAdminOptions['tokenCache'], storage: StorageAdapter
): ResolvedServiceOptions['tokenCache'] {
  // A storage of the app's own that passes on `dataVersion` may find tokens by rules that the version does not cover.
  if (tokenCache === false || (tokenCache === undefined && !isSqliteStorage(storage))) return undefined
  if (tokenCache === undefined || tokenCache === 'exact') {
    check(isVersioned(storage),
      "`tokenCache: 'exact'` needs a storage that notices the changes of other processes, such as sqliteStorage: " +
      'this one lacks the method `dataVersion`')
    return { ttl: exactTtl, dataVersion: () => asNumber(storage.dataVersion()) }
  }
  const { ttl, ...others } = Object(tokenCache) as { ttl?: unknown }
  check(isIntegerFrom(1, 60_000, ttl) && Object.keys(others).length === 0,
    "`tokenCache` must be 'exact', false, or { ttl: milliseconds } with a whole number from 1 to 60000")
  return { ttl, dataVersion: undefined }
}

/** Returns `undefined` in place of another value, such as the promise of a storage that makes every method async. */
function asNumber (version: unknown): number | undefined {
  return typeof version === 'number' ? version : undefined
}

function resolveAudit (
  audit: OpenVexaAdminOptions['audit'], storage: StorageAdapter
): ResolvedServiceOptions['audit'] {
  if (audit === false) return undefined
  const { retention = 0, ...others } = Object(audit) as { retention?: number }
  const hasRetention = isIntegerFrom(1, 36_500, retention) && Object.keys(others).length === 0
  check(audit === true || hasRetention,
    '`audit` must be true, false, or { retention: days } with a whole number of days, from 1 to 36500')
  check(isAudited(storage),
    '`audit` needs a storage that keeps an audit trail, such as KyselyStorage: ' +
    'this one lacks the methods `listAudit` and `pruneAudit`')
  return { trail: storage, retention: audit === true ? undefined : retention }
}

function namesOf<T extends object> (defaults: T): ReadonlyArray<keyof T & string> {
  return Object.keys(defaults) as Array<keyof T & string>
}

/** Returns those of the named options that are not `undefined`. */
function given<T extends object, Name extends keyof T> (options: T, names: readonly Name[]): Pick<T, Name> {
  const entries = names.map((name) => [name, options[name]] as const).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Pick<T, Name>
}

function isOrigin (value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^*]+$/.test(value) &&
    URL.canParse(value) && new URL(value).origin === value
}

function areDistinct (names: readonly unknown[], form: RegExp): boolean {
  return names.every((name) => typeof name === 'string' && form.test(name)) && new Set(names).size === names.length
}

function isIntegerFrom (least: number, most: number, value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most
}
