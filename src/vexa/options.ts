import { hash } from 'node:crypto'
import { check, checkOptionNames } from '../check-options.js'
import { adminKeyForm, fingerprintAdminKey } from '../hooks/admin-keys.js'

/**
 * Options of `vexaCompatibility`. The option `prefix` of Fastify's `register` puts a path before all routes of this
 * plugin.
 */
export interface VexaCompatibilityOptions {
  /**
   * The key that clients send in `X-Admin-API-Key` to the routes under `/admin`: at least 16 printable ASCII
   * characters, without space and comma. Required.
   */
  adminKey: string | undefined
  /**
   * A key of the same form that may only list users: `GET /admin/users` and `GET /admin/analytics/users`. With the
   * shape `'0.12'`, these two routes do not exist.
   * @default none
   */
  analyticsKey?: string | undefined
  /**
   * The secret that Vexa's gateway and other services send in `X-Internal-Secret` to the routes under `/internal`. The
   * secret has the same form as the keys. If absent, the routes under `/internal` return 503.
   * @default none
   */
  internalSecret?: string | undefined
  /**
   * The choice of members in requests and replies. With `'union'`, they have the members of Vexa 0.10 and the additions
   * of 0.12, for clients of both versions. With `'0.12'`, they have only the members of 0.12.
   * @default 'union'
   */
  shape?: 'union' | '0.12' | undefined
}

/** A key or secret, as the plugin keeps it in memory. */
export interface HeldKey {
  /** The SHA-256 of the key: 32 bytes. */
  readonly digest: Buffer
  /** Name of the holder in events and in the audit trail: the fingerprint of the key. */
  readonly actor: string
}

export interface ResolvedVexaOptions {
  adminKey: HeldKey
  analyticsKey: HeldKey | undefined
  internalSecret: HeldKey | undefined
  /** Whether requests and replies have only the members of Vexa 0.12. */
  strict: boolean
}

const keyNames = ['adminKey', 'analyticsKey', 'internalSecret'] as const

// Fastify itself reads these options of `register`, and also passes them to the plugin.
const registerNames = ['prefix', 'logLevel', 'logSerializers']

const remedy = 'Create a key with: openssl rand -hex 32'

/**
 * Returns the options of the plugin with the keys as digests. `undefined` counts as absent.
 *
 * @throws {InvalidOptionError} if an option is wrong. No message contains a key
 */
export function resolveVexaOptions (options: VexaCompatibilityOptions): ResolvedVexaOptions {
  checkOptionNames(options, [...keyNames, 'shape', ...registerNames])
  const { adminKey, analyticsKey, internalSecret, shape = 'union' } = options
  check(adminKey !== undefined,
    `\`adminKey\` of vexaCompatibility is not set: is the environment variable of the key set? ${remedy}`)
  for (const name of keyNames) {
    const key: unknown = options[name]
    check(key === undefined || (typeof key === 'string' && adminKeyForm.test(key)),
      `\`${name}\` of vexaCompatibility must have at least 16 printable ASCII characters, with no space or comma. ` +
      `The default keys of Vexa, such as \`changeme\`, are too short. ${remedy}`)
  }
  const keys = keyNames.map((name) => options[name]).filter((key) => key !== undefined)
  check(new Set(keys).size === keys.length,
    'two of `adminKey`, `analyticsKey` and `internalSecret` of vexaCompatibility are the same key: use different keys')
  check(['union', '0.12'].includes(shape), "`shape` of vexaCompatibility must be 'union' or '0.12'")
  return {
    adminKey: hold(adminKey),
    analyticsKey: analyticsKey === undefined ? undefined : hold(analyticsKey),
    internalSecret: internalSecret === undefined ? undefined : hold(internalSecret),
    strict: shape === '0.12'
  }
}

function hold (key: string): HeldKey {
  return { digest: hash('sha256', key, 'buffer'), actor: fingerprintAdminKey(key) }
}
